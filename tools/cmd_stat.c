/* SPDX-License-Identifier: MIT */
/* contig stat - the figures of running programs, read from their memory. */
#include "command.h"
#include "contig.h"
#include "json.h"
#include "library.h"
#include "policy.h"
#include "remote.h"
#include "sysinfo.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What can come of looking at one process. */
enum stat_outcome {
	STAT_READ,
	STAT_NOT_MAPPED,	/* libcontig.so is not in it */
	STAT_NOT_STARTED,	/* it is, and has not come to its first call yet */
	STAT_OTHER_VERSION,
	STAT_ERROR,		/* error says what; -EPERM, -EACCES, -ESRCH, ... */
};

struct stat_process {
	pid_t pid;
	enum stat_outcome outcome;
	int error;
	char program[256];
	struct contig_stats stats;
};

static void stat_read_process(pid_t pid, struct stat_process *out)
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
		out->outcome = STAT_NOT_MAPPED;
		return;
	}
	if (!ret)
		ret = remote_find_symbol(pid, base, "contig_stats", &address);
	/* The head first: another version's structure may be shorter than ours. */
	if (!ret)
		ret = remote_read(pid, address, stats, offsetof(struct contig_stats, pid));
	if (ret) {
		out->outcome = STAT_ERROR;
		out->error = ret;
	} else if (!stats->magic) {
		out->outcome = STAT_NOT_STARTED;
	} else if (stats->magic != CONTIG_STATS_MAGIC || stats->version != CONTIG_STATS_VERSION ||
		   stats->bytes != sizeof(*stats)) {
		out->outcome = STAT_OTHER_VERSION;
	} else {
		ret = remote_read(pid, address, stats, sizeof(*stats));
		out->outcome = ret ? STAT_ERROR : STAT_READ;
		out->error = ret;
	}
	stats->why[sizeof(stats->why) - 1] = '\0';
	if (stats->pool_count > CONTIG_POOLS)
		stats->pool_count = CONTIG_POOLS;
}

/* Why there are no figures, in words. */
static const char *stat_describe(const struct stat_process *process, char out[static 192])
{
	switch (process->outcome) {
	case STAT_READ:
		return process->stats.serving ? "serving" : "left alone";
	case STAT_NOT_MAPPED:
		return LIBRARY_NAME " is not mapped";
	case STAT_NOT_STARTED:
		return LIBRARY_NAME " is mapped but has not begun to serve";
	case STAT_OTHER_VERSION:
		snprintf(out, 192, "its " LIBRARY_NAME " is of another version (figures %u, %u "
			 "bytes; this command reads %u, %zu bytes)", process->stats.version,
			 process->stats.bytes, CONTIG_STATS_VERSION, sizeof(process->stats));
		return out;
	case STAT_ERROR:
		break;
	}
	if (process->error == -EPERM || process->error == -EACCES)
		return "no permission to read it (the same user or CAP_SYS_PTRACE is needed)";
	return process->error == -ESRCH ? "no such process" : strerror(-process->error);
}

enum stat_unit { STAT_UNIT_count, STAT_UNIT_bytes, STAT_UNIT_ns };

static void stat_print_figure(const char *indent, const char *name, enum stat_unit unit,
			      uint64_t value, const char *help)
{
	char text[24];

	if (!value)
		return;
	if (unit == STAT_UNIT_bytes)
		policy_format_size(value, text);
	else
		snprintf(text, sizeof(text), "%" PRIu64 "%s", value,
			 unit == STAT_UNIT_ns ? "ns" : "");
	printf("%s%-20s %12s  %s\n", indent, name, text, help);
}

static void stat_print_pool(const struct contig_pool_stats *pool)
{
	char size[24];

	printf("  %.*s, pages of %s\n", CONTIG_POOL_NAME_BYTES, pool->name,
	       policy_format_size(pool->page_bytes, size));
#define CONTIG_POOL_STAT(name, unit, help) \
	stat_print_figure("    ", #name, STAT_UNIT_##unit, pool->name, help);
#include "contig_stats.def"
#define CONTIG_REASON(NAME, text) \
	stat_print_figure("    ", "fell through", STAT_UNIT_count, \
			  pool->fell_through[CONTIG_REASON_##NAME], text);
#include "contig_stats.def"
}

/* Has the pool anything to say? */
static bool stat_is_used(const struct contig_pool_stats *pool)
{
	uint64_t all = pool->allocations | pool->mapped_bytes;

	for (int i = 0; i < CONTIG_REASON_COUNT; i++)
		all |= pool->fell_through[i];
	return all != 0;
}

static uint64_t stat_count_seconds(const struct contig_stats *stats)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	return stats->start_ns && ns > stats->start_ns ? (ns - stats->start_ns) / 1000000000u : 0;
}

static void stat_print_text(const struct stat_process *process)
{
	const struct contig_stats *stats = &process->stats;
	char text[192], size[24];

	printf("%d %s: %s", (int)process->pid, process->program, stat_describe(process, text));
	if (process->outcome != STAT_READ) {
		putchar('\n');
		return;
	}
	if (!stats->serving) {
		printf(", %s\n", stats->why);
		return;
	}
	printf(" for %" PRIu64 " s, zone of %s at 0x%" PRIx64 "\n", stat_count_seconds(stats),
	       policy_format_size(stats->zone_bytes, size), stats->zone_base);
	for (uint32_t i = 0; i < stats->pool_count; i++)
		if (stat_is_used(&stats->pool[i]))
			stat_print_pool(&stats->pool[i]);
	printf("  process\n");
#define CONTIG_STAT(name, unit, help) \
	stat_print_figure("    ", #name, STAT_UNIT_##unit, stats->name, help);
#include "contig_stats.def"
}

static void stat_print_json_pool(struct json *json, const struct contig_pool_stats *pool)
{
	char name[CONTIG_POOL_NAME_BYTES + 1] = "";

	memcpy(name, pool->name, sizeof(pool->name));
	json_open_object(json, NULL);
	json_put_text(json, "name", name);
	json_put_number(json, "page_bytes", pool->page_bytes);
#define CONTIG_POOL_STAT(field, unit, help) json_put_number(json, #field, pool->field);
#include "contig_stats.def"
	json_open_object(json, "fell_through");
#define CONTIG_REASON(NAME, text) \
	json_put_number(json, #NAME, pool->fell_through[CONTIG_REASON_##NAME]);
#include "contig_stats.def"
	json_close(json);
	json_close(json);
}

static void stat_print_json(struct json *json, const struct stat_process *process)
{
	const struct contig_stats *stats = &process->stats;
	char text[192];

	json_open_object(json, NULL);
	json_put_number(json, "pid", (uint64_t)process->pid);
	json_put_text(json, "program", process->program);
	json_put_flag(json, "read", process->outcome == STAT_READ);
	json_put_text(json, "state", stat_describe(process, text));
	if (process->outcome == STAT_READ) {
		json_put_flag(json, "serving", stats->serving != 0);
		json_put_text(json, "why", stats->why[0] ? stats->why : NULL);
		json_put_number(json, "zone_base", stats->zone_base);
		json_put_number(json, "zone_bytes", stats->zone_bytes);
		json_put_number(json, "start_ns", stats->start_ns);
#define CONTIG_STAT(field, unit, help) json_put_number(json, #field, stats->field);
#include "contig_stats.def"
		json_open_list(json, "pools");
		for (uint32_t i = 0; i < stats->pool_count; i++)
			stat_print_json_pool(json, &stats->pool[i]);
		json_close(json);
	}
	json_close(json);
}

/* A process's line or object. */
static void stat_show(struct json *json, const struct stat_process *process)
{
	if (json)
		stat_print_json(json, process);
	else
		stat_print_text(process);
}

static int stat_show_one(struct json *json, pid_t pid)
{
	static struct stat_process process;
	char text[192];

	stat_read_process(pid, &process);
	if (json || process.outcome == STAT_READ)
		stat_show(json, &process);
	else
		command_error("process %d: %s", (int)pid, stat_describe(&process, text));
	return process.outcome == STAT_READ ? STATUS_DONE : STATUS_FAILED;
}

/* Every process that has the library, this one left out. */
static int stat_show_all(struct json *json)
{
	static struct stat_process process;
	unsigned int shown = 0, hidden = 0;
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	if (!dir) {
		command_error("/proc: %s", strerror(errno));
		return STATUS_FAILED;
	}
	while ((entry = readdir(dir))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (!isdigit((unsigned char)entry->d_name[0]) || pid == getpid())
			continue;
		stat_read_process(pid, &process);
		if (process.outcome == STAT_NOT_MAPPED ||
		    (process.outcome == STAT_ERROR && process.error == -ESRCH))
			continue;
		if (process.outcome == STAT_ERROR && process.error == -EACCES) {
			hidden++;
			continue;
		}
		stat_show(json, &process);
		shown++;
	}
	closedir(dir);
	if (!shown && !json)
		printf("no process runs under " LIBRARY_NAME "%s\n",
		       hidden ? ", as far as this user may see" : "");
	if (hidden)
		command_error("%u other process%s could not be looked at (no permission)", hidden,
			      hidden == 1 ? "" : "es");
	return STATUS_DONE;
}

static int stat_parse_pid(const char *text, pid_t *out)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid <= 0 || pid > INT_MAX)
		return -EINVAL;
	*out = (pid_t)pid;
	return 0;
}

static int stat_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct json writer = { .out = stdout }, *json = NULL;
	int option, status;
	pid_t pid = 0;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j': json = &writer; break;
		case 'h': return command_help(&cmd_stat);
		default: return command_misuse(&cmd_stat);
		}
	}
	if (argc - optind > 1)
		return command_misuse(&cmd_stat);
	if (optind < argc && stat_parse_pid(argv[optind], &pid)) {
		command_error("%s: expected a process id", argv[optind]);
		return STATUS_MISUSE;
	}
	if (json)
		json_open_list(json, NULL);
	status = pid ? stat_show_one(json, pid) : stat_show_all(json);
	if (json)
		json_close(json);
	return status;
}

const struct command cmd_stat = {
	.name = "stat",
	.args = "[--json] [PID]",
	.line = "show what running programs got",
	.options =
		"  --json           as JSON: a list of processes, every figure\n"
		"\n"
		"Without PID: every process that runs under libcontig.so and may be read.\n"
		"exit status: 0 done, 1 PID does not run under it or may not be read, 2 used\n"
		"wrongly\n",
	.run = stat_main,
};
