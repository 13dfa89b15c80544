/* SPDX-License-Identifier: MIT */
#include "served.h"
#include "library.h"
#include "remote.h"
#include "sysinfo.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void served_read(pid_t pid, struct served_process *out)
{
	struct contig_stats *stats = &out->stats;
	uint64_t base, address;
	char path[40];
	int ret;

	memset(out, 0, sizeof(*out));
	out->pid = pid;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	sysinfo_read(path, out->program, sizeof(out->program));
	ret = remote_find_library(pid, LIBRARY_NAME, &base);
	if (ret == -ENOENT) {
		out->outcome = SERVED_NOT_MAPPED;
		return;
	}
	if (!ret)
		ret = remote_find_symbol(pid, base, "contig_stats", &address);
	/* The head first: another version's structure may be shorter than ours. */
	if (!ret)
		ret = remote_read(pid, address, stats, offsetof(struct contig_stats, pid));
	if (ret) {
		out->outcome = SERVED_ERROR;
		out->error = ret;
	} else if (!stats->magic) {
		out->outcome = SERVED_NOT_STARTED;
	} else if (stats->magic != CONTIG_STATS_MAGIC || stats->version != CONTIG_STATS_VERSION ||
		   stats->bytes != sizeof(*stats)) {
		out->outcome = SERVED_OTHER_VERSION;
	} else {
		ret = remote_read(pid, address, stats, sizeof(*stats));
		out->outcome = ret ? SERVED_ERROR : SERVED_READ;
		out->error = ret;
	}
	stats->why[sizeof(stats->why) - 1] = '\0';
	if (stats->pool_count > CONTIG_POOLS)
		stats->pool_count = CONTIG_POOLS;
}

const char *served_describe(const struct served_process *process,
			    char out[static SERVED_TEXT_BYTES])
{
	switch (process->outcome) {
	case SERVED_READ:
		return process->stats.serving ? "serving" : "left alone";
	case SERVED_NOT_MAPPED:
		return LIBRARY_NAME " is not mapped";
	case SERVED_NOT_STARTED:
		return LIBRARY_NAME " is mapped but has not begun to serve";
	case SERVED_OTHER_VERSION:
		snprintf(out, SERVED_TEXT_BYTES, "its " LIBRARY_NAME " is of another version "
			 "(figures %u, %u bytes; this command reads %u, %zu bytes)",
			 process->stats.version, process->stats.bytes, CONTIG_STATS_VERSION,
			 sizeof(process->stats));
		return out;
	case SERVED_ERROR:
		break;
	}
	if (process->error == -EPERM || process->error == -EACCES)
		return "no permission to read it (the same user or CAP_SYS_PTRACE is needed)";
	return process->error == -ESRCH ? "no such process" : strerror(-process->error);
}

int served_each(void (*visit)(const struct served_process *process, void *arg), void *arg)
{
	static struct served_process process;
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (!isdigit((unsigned char)entry->d_name[0]) || pid == getpid())
			continue;
		served_read(pid, &process);
		if (process.outcome != SERVED_NOT_MAPPED &&
		    (process.outcome != SERVED_ERROR || process.error != -ESRCH))
			visit(&process, arg);
	}
	closedir(dir);
	return 0;
}
