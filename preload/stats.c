/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "figures.h"
#include "given.h"
#include "heap.h"
#include "init.h"
#include "fork_layout.h"
#include "log.h"
#include "measure.h"
#include "place.h"
#include "span.h"
#include "sys.h"

enum { REPORT_BYTES = 64 * 1024, PATH_BYTES = 4096 };

static const struct settings *settings;
static bool as_json;
static const char *file;	/* "": standard error */

/* Text on its way out; what does not fit is cut, which only a bug could make happen. */
struct report {
	size_t length;
	char text[REPORT_BYTES];
};

/* Static: at exit a program's stack may be a small one. Guarded by: the destructor runs once. */
static struct report out;

void stats_init(const struct settings *set)
{
	const char *colon = strchr(set->stats, ':');

	if (!*set->stats)
		return;
	settings = set;
	as_json = !strncmp(set->stats, "json", 4);
	file = colon ? colon + 1 : "";
	fork_layout_init();
}

static bool visit_largest(struct span *span, void *arg)
{
	const struct span **largest = arg;

	if (span->state == SPAN_USED && span->pool != SPAN_RESERVE_POOL &&
	    (!largest[span->pool] || span->units > largest[span->pool]->units))
		largest[span->pool] = span;
	return true;
}

static void measure(const void *p, size_t bytes, struct contig_pool_stats *stats)
{
	struct physmap_figures figures = { 0 };

	if (measure_self(p, bytes, &figures))
		return;
	figures_set(&stats->measured_bytes, bytes);
	figures_set(&stats->measured_page_bytes, figures.page_bytes);
	figures_set(&stats->measured_entries, figures.entries);
	figures_set(&stats->measured_extents, figures.extents);
}

void stats_before_free(const void *p)
{
	const struct pool *pool;
	size_t bytes;

	if (!settings)
		return;
	fork_layout_before_free(p);
	pool = place_pool(p);
	bytes = place_bytes(p);
	if (pool && bytes > pool_stats(pool)->measured_bytes)
		measure(p, bytes, pool_stats(pool));
}

void stats_before_unmap(const char *addr, size_t bytes)
{
	const struct pool *pool;
	size_t ours = 0;

	if (!settings)
		return;
	pool = given_pool(addr, &ours);
	if (ours > bytes)
		ours = bytes;
	if (pool && ours > pool_stats(pool)->measured_bytes)
		measure(addr, ours, pool_stats(pool));
}

/* Whatever is still in use at exit is measured, too: what mmap gave, and what malloc gave. */
static void measure_given(void)
{
	size_t bytes;

	for (unsigned int i = 0; i < contig_stats.pool_count; i++) {
		const char *largest = given_largest(pool_at(i), &bytes);

		if (largest && bytes > contig_stats.pool[i].measured_bytes)
			measure(largest, bytes, &contig_stats.pool[i]);
	}
}

static void measure_live(void)
{
	const struct span *largest[CONTIG_POOLS] = { NULL };

	measure_given();
	if (!zone.bytes)
		return;
	lock_take(&zone_lock);
	span_each(visit_largest, largest);
	lock_drop(&zone_lock);
	for (unsigned int i = 0; i < contig_stats.pool_count; i++)
		if (largest[i] && span_bytes(largest[i]) > contig_stats.pool[i].measured_bytes)
			measure(span_address(largest[i]), span_bytes(largest[i]),
				&contig_stats.pool[i]);
}

static void put(const char *text)
{
	size_t bytes = strnlen(text, sizeof(out.text) - out.length);

	memcpy(out.text + out.length, text, bytes);
	out.length += bytes;
}

static void put_count(uint64_t value)
{
	char digits[24];
	int at = sizeof(digits);

	digits[--at] = '\0';
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	put(digits + at);
}

static void put_bytes(uint64_t bytes)
{
	char text[24];

	put(policy_format_size(bytes, text));
}

static void put_quoted(const char *text)
{
	char one[2] = "";

	put("\"");
	for (; *text; text++) {
		one[0] = (unsigned char)*text < ' ' ? '?' : *text;
		if (*text == '"' || *text == '\\')
			put("\\");
		put(one);
	}
	put("\"");
}

static void put_field(const char *name, uint64_t value)
{
	put_quoted(name);
	put(": ");
	put_count(value);
}

static void json_pool(const struct contig_pool_stats *pool)
{
	put("    {\"name\": ");
	put_quoted(pool->name);
	put(", ");
	put_field("page_bytes", pool->page_bytes);
#define CONTIG_POOL_STAT(name, unit, help)	\
	put(", ");				\
	put_field(#name, pool->name);
#include "contig_stats.def"
	put(",\n     \"fell_through\": {");
#define CONTIG_REASON(NAME, text)					\
	put(CONTIG_REASON_##NAME ? ", " : "");				\
	put_field(#NAME, pool->fell_through[CONTIG_REASON_##NAME]);
#include "contig_stats.def"
	put("}}");
}

static void write_json(void)
{
	put("{\n  \"program\": ");
	put_quoted(init_program());
	put(",\n  ");
	put_field("pid", (uint64_t)contig_stats.pid);
	put(",\n  \"serving\": ");
	put(contig_stats.serving ? "true" : "false");
	put(",\n  \"why\": ");
	put_quoted(contig_stats.why);
	put(",\n  ");
	put_field("zone_bytes", contig_stats.zone_bytes);
#define CONTIG_STAT(name, unit, help)	\
	put(",\n  ");			\
	put_field(#name, contig_stats.name);
#include "contig_stats.def"
	put(",\n  \"pools\": [\n");
	for (unsigned int i = 0; i < contig_stats.pool_count; i++) {
		json_pool(&contig_stats.pool[i]);
		put(i + 1 < contig_stats.pool_count ? ",\n" : "\n");
	}
	put("  ]\n}\n");
}

static const char *const reason_text[] = {
#define CONTIG_REASON(NAME, text) text,
#include "contig_stats.def"
};

static void text_largest(const struct contig_pool_stats *pool)
{
	put("    largest: ");
	if (!pool->measured_entries) {
		put("page size and entries unknown (PFNs need CAP_SYS_ADMIN, and pages that "
		    "were touched)\n");
		return;
	}
	put_bytes(pool->measured_bytes);
	put(", page size ");
	put_bytes(pool->measured_page_bytes);
	put(", entries ");
	put_count(pool->measured_entries);
	put(", extents ");
	put_count(pool->measured_extents);
	put("\n");
}

static void put_change(const char *name, uint64_t before, uint64_t after)
{
	put(name);
	put_count(before);
	put(" -> ");
	put_count(after);
}

/* Only where something has changed: most children are gone before the parent writes. */
static void text_forked(const struct contig_pool_stats *pool)
{
	bool huge = !strncmp(pool->name, "hugetlb", strlen("hugetlb"));

	if (!pool->fork_entries_after ||
	    (!pool->fork_moved_bytes && pool->fork_entries_after == pool->fork_entries_before &&
	     pool->fork_extents_after == pool->fork_extents_before))
		return;
	put("    after ");
	put_count(pool->fork_shares);
	put(pool->fork_shares == 1 ? " fork: " : " forks: ");
	put_bytes(pool->fork_moved_bytes);
	put(" of ");
	put_bytes(pool->fork_bytes);
	put(" moved");
	put_change(", entries ", pool->fork_entries_before, pool->fork_entries_after);
	put_change(", extents ", pool->fork_extents_before, pool->fork_extents_after);
	put(huge ? " (copy-on-write; fork = snapshot keeps pages where they are)\n" :
		   " (copy-on-write; hugetlb with fork = snapshot keeps pages where they are)\n");
}

static void text_pool(const struct contig_pool_stats *pool)
{
	bool fell = false;

	/* A page too large for what was asked is no news. */
	for (int i = 0; i < CONTIG_REASON_COUNT; i++)
		fell |= i != CONTIG_REASON_WASTE && pool->fell_through[i];
	if (!pool->allocations && !fell)
		return;
	put("  ");
	put(pool->name);
	put(": ");
	put_count(pool->allocations);
	put(" allocations (");
	put_count(pool->reused);
	put(" from memory kept), ");
	put_count(pool->frees);
	put(" freed, peak ");
	put_bytes(pool->peak_bytes);
	put(", live ");
	put_bytes(pool->live_bytes);
	put("\n");
	if (pool->allocations)
		text_largest(pool);
	text_forked(pool);
	for (int i = 0; i < CONTIG_REASON_COUNT; i++) {
		if (!pool->fell_through[i])
			continue;
		put("    fell through ");
		put_count(pool->fell_through[i]);
		put(" times: ");
		put(reason_text[i]);
		put("\n");
	}
}

static void text_line(const char *name, uint64_t value, bool bytes)
{
	if (!value)
		return;
	put("  ");
	put(name);
	put(": ");
	if (bytes)
		put_bytes(value);
	else
		put_count(value);
	put("\n");
}

static void write_text(void)
{
	put("contig: report of ");
	put(init_program());
	put(" (pid ");
	put_count((uint64_t)contig_stats.pid);
	put(")\n");
	if (!contig_stats.serving) {
		put("  left alone: ");
		put(contig_stats.why);
		put("\n");
	}
	if (contig_stats.serving && !contig_stats.zone_bytes)
		put("  no zone: the addresses could not be reserved (ulimit -v?); all from the heap\n");
	for (unsigned int i = 0; i < contig_stats.pool_count; i++)
		text_pool(&contig_stats.pool[i]);
#define IS_bytes true
#define IS_count false
#define CONTIG_STAT(name, unit, help) text_line(help, contig_stats.name, IS_##unit);
#include "contig_stats.def"
}

/* "%p" the pid, "%e" the program. Return: false: too long. */
static bool expand_path(char path[static PATH_BYTES])
{
	size_t length = 0;
	struct log_line piece;

	for (const char *from = file; *from; from++) {
		piece.length = 0;
		piece.text[0] = *from;
		piece.text[1] = '\0';
		if (from[0] == '%' && from[1] == 'p') {
			log_count(&piece, (uint64_t)getpid());
			piece.text[piece.length] = '\0';
			from++;
		} else if (from[0] == '%' && from[1] == 'e') {
			log_text(&piece, init_program());
			piece.text[piece.length] = '\0';
			from++;
		}
		if (length + strlen(piece.text) >= PATH_BYTES)
			return false;
		strcpy(path + length, piece.text);
		length += strlen(piece.text);
	}
	return length != 0;
}

static void write_file(void)
{
	char path[PATH_BYTES];
	int fd = -1;

	if (expand_path(path))
		fd = sys_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK, 0644);
	if (fd < 0) {
		log_say("the report could not be written to ", file);
		return;
	}
	sys_write(fd, out.text, out.length);
	sys_close(fd);
}

/* Priority 101: after the destructors of everybody else. */
__attribute__((destructor(101))) static void report_at_exit(void)
{
	int saved = errno;

	if (!settings)
		return;
	if (contig_stats.serving) {
		measure_live();
		fork_layout_at_exit();
	}
	out.length = 0;
	if (as_json)
		write_json();
	else
		write_text();
	if (*file)
		write_file();
	else
		log_write(out.text, out.length);
	errno = saved;
}
