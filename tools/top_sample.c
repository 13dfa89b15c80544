/* SPDX-License-Identifier: MIT */
#include "physmap.h"
#include "top.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Reading a pagemap takes 12 ms a GiB: not more than a twentieth of the time is spent on it. */
enum { MEASURE_SHARE = 20 };

/* What one look at /proc needs. */
struct top_look {
	struct top_sample *out;
	const struct top_sample *before;
};

static uint64_t top_sample_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Room for one more element of @bytes. Return: @list, perhaps elsewhere; NULL: no memory. */
static void *top_sample_extend(void *list, size_t count, size_t *room, size_t bytes)
{
	size_t more = *room ? 2 * *room : 64;
	void *grown;

	if (count < *room)
		return list;
	grown = reallocarray(list, more, bytes);
	if (grown)
		*room = more;
	return grown;
}

/* A program chooses its name freely; on a terminal its bytes must do no harm. */
static void top_sample_copy_program(char to[static TOP_PROGRAM_BYTES], const char *from)
{
	snprintf(to, TOP_PROGRAM_BYTES, "%.*s", TOP_PROGRAM_BYTES - 1, from);
	for (; *to; to++)
		if (*to < ' ' || *to > '~')
			*to = '?';
}

static enum top_backing top_sample_backing(const char *pool_name)
{
	static const char *const prefix[] = { "hugetlb", "thp", "mthp" };

	for (int i = 0; i < TOP_BASE; i++)
		if (!strncmp(pool_name, prefix[i], strlen(prefix[i])))
			return (enum top_backing)i;
	return TOP_BASE;
}

static void top_sample_add_pools(struct top_row *row, const struct contig_stats *stats)
{
	for (uint32_t i = 0; i < stats->pool_count; i++) {
		const struct contig_pool_stats *pool = &stats->pool[i];

		row->live_bytes += pool->live_bytes;
		row->backing_bytes[top_sample_backing(pool->name)] += pool->live_bytes;
		row->requests += pool->allocations;
		row->frees += pool->frees;
		if (pool->largest_bytes > row->largest_bytes) {
			row->largest_address = pool->largest_address;
			row->largest_bytes = pool->largest_bytes;
		}
		/* A page too large for what was asked is no news, as in the report. */
		for (int why = 0; why < CONTIG_REASON_COUNT; why++)
			if (why != CONTIG_REASON_WASTE)
				row->fell_through += pool->fell_through[why];
	}
}

/* "AnonHugePages:   2048 kB" in the text of smaps_rollup. Return: KiB, 0 if it is not there. */
static uint64_t top_sample_find_kib(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

/* Huge pages of pools are not in Rss. Smaller folios of mTHP are not told, and not counted. */
static int top_sample_read_huge_percent(pid_t pid)
{
	char path[48], text[4096];
	uint64_t pool, thp, resident;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if (sysinfo_read(path, text, sizeof(text)))
		return -1;
	pool = top_sample_find_kib(text, "\nShared_Hugetlb:") +
	       top_sample_find_kib(text, "\nPrivate_Hugetlb:");
	thp = top_sample_find_kib(text, "\nAnonHugePages:");
	resident = top_sample_find_kib(text, "\nRss:") + pool;
	return resident ? (int)((pool + thp) * 100 / resident) : -1;
}

static void top_sample_measure(struct top_row *row, const struct top_row *before)
{
	struct physmap_figures figures = { 0 };
	uint64_t begin = top_sample_now();
	char path[40];
	int fd;

	if (before && before->largest_address == row->largest_address &&
	    before->largest_bytes == row->largest_bytes && begin < before->measure_next_ns) {
		row->page_bytes = before->page_bytes;
		row->entries = before->entries;
		row->extents = before->extents;
		row->measure_next_ns = before->measure_next_ns;
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)row->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (row->largest_bytes && row->largest_address + row->largest_bytes > row->largest_bytes)
		physmap_measure(fd, row->largest_address, row->largest_bytes, PHYSMAP_SIZES_MLX5,
				&figures);
	close(fd);
	row->page_bytes = figures.page_bytes;
	row->entries = figures.entries;
	row->extents = figures.extents;
	row->measure_next_ns = begin + (top_sample_now() - begin) * MEASURE_SHARE;
}

static void top_sample_rate(struct top_row *row, const struct top_row *before, uint64_t then_ns,
			    uint64_t now_ns)
{
	uint64_t since = before ? then_ns : row->start_ns;
	double seconds = now_ns > since && since ? (double)(now_ns - since) / 1e9 : 0;

	if (seconds <= 0)
		return;
	row->requests_rate = (double)(row->requests - (before ? before->requests : 0)) / seconds;
	row->frees_rate = (double)(row->frees - (before ? before->frees : 0)) / seconds;
}

/* A process that came to its own counts anew (a child, exec) has another start. */
static const struct top_row *top_sample_find(const struct top_sample *sample,
					     const struct top_row *like)
{
	for (size_t i = 0; sample && i < sample->count; i++) {
		const struct top_row *row = &sample->row[i];

		if (row->pid == like->pid && row->start_ns == like->start_ns &&
		    row->requests <= like->requests && row->frees <= like->frees)
			return row;
	}
	return NULL;
}

static void top_sample_add_row(struct top_look *look, const struct served_process *process)
{
	struct top_sample *out = look->out;
	const struct top_row *before;
	struct top_row *row = top_sample_extend(out->row, out->count, &out->room, sizeof(*row));

	if (!row) {
		out->error = -ENOMEM;
		return;
	}
	out->row = row;
	row += out->count++;
	*row = (struct top_row){
		.pid = process->pid,
		.start_ns = process->stats.start_ns,
		.kept_bytes = process->stats.retained_bytes,
		.huge_percent = top_sample_read_huge_percent(process->pid),
		.forks = process->stats.forks,
	};
	top_sample_copy_program(row->program, process->program);
	top_sample_add_pools(row, &process->stats);
	before = top_sample_find(look->before, row);
	top_sample_measure(row, before);
	top_sample_rate(row, before, look->before ? look->before->now_ns : 0, out->now_ns);
}

static void top_sample_add_other(struct top_sample *out, const struct served_process *process)
{
	struct top_other *other = top_sample_extend(out->other, out->other_count,
						    &out->other_room, sizeof(*other));
	char text[SERVED_TEXT_BYTES];

	if (!other) {
		out->error = -ENOMEM;
		return;
	}
	out->other = other;
	other += out->other_count++;
	other->pid = process->pid;
	top_sample_copy_program(other->program, process->program);
	snprintf(other->why, sizeof(other->why), "%s", served_describe(process, text));
}

/* What ends while it is looked at leaves other errors behind, and is simply not there. */
static void top_sample_visit(const struct served_process *process, void *arg)
{
	struct top_look *look = arg;

	if (process->outcome == SERVED_READ && process->stats.serving)
		top_sample_add_row(look, process);
	else if (process->outcome == SERVED_OTHER_VERSION)
		top_sample_add_other(look->out, process);
	else if (process->outcome == SERVED_ERROR &&
		 (process->error == -EACCES || process->error == -EPERM))
		look->out->unreadable++;
}

int top_sample_take(struct top_sample *out, const struct top_sample *before)
{
	struct top_look look = { .out = out, .before = before };
	int ret;

	out->count = 0;
	out->other_count = 0;
	out->unreadable = 0;
	out->error = 0;
	out->now_ns = top_sample_now();
	out->pool_count = sysinfo_list_pools(out->pool);
	ret = served_each(top_sample_visit, &look);
	return ret ? ret : out->error;
}

void top_sample_free(struct top_sample *sample)
{
	free(sample->row);
	free(sample->other);
}
