/* SPDX-License-Identifier: MIT */
#include "json.h"
#include "policy.h"
#include "top.h"

#include <inttypes.h>

enum { CELL_BYTES = 24 };

/* Three digits and a unit, whatever the size. */
static const char *top_print_bytes(uint64_t bytes, char out[static CELL_BYTES])
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	int unit = 0;

	while (value >= 999.5 && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	if (!bytes)
		snprintf(out, CELL_BYTES, "0");
	else
		snprintf(out, CELL_BYTES, "%.*f%c", unit && value < 9.95 ? 1 : 0, value,
			 units[unit]);
	return out;
}

static const char *top_print_rate(double rate, char out[static CELL_BYTES])
{
	snprintf(out, CELL_BYTES, "%.*f", rate > 0 && rate < 9.95 ? 1 : 0, rate);
	return out;
}

static const char *top_print_known(uint64_t count, char out[static CELL_BYTES])
{
	if (!count)
		return "-";
	snprintf(out, CELL_BYTES, "%" PRIu64, count);
	return out;
}

static void top_print_header(FILE *out, const struct top_sample *sample)
{
	char size[CELL_BYTES], total[CELL_BYTES], spare[CELL_BYTES];
	uint64_t live = 0;

	for (size_t i = 0; i < sample->count; i++)
		live += sample->row[i].live_bytes;
	fprintf(out, "%zu process%s, %s live;", sample->count, sample->count == 1 ? "" : "es",
		top_print_bytes(live, size));
	for (unsigned int i = 0; i < sample->pool_count; i++) {
		const struct sysinfo_pool *pool = &sample->pool[i];

		fprintf(out, "%s pool %s: ", i ? "," : "",
			policy_format_size(pool->page_bytes, size));
		if (pool->known)
			fprintf(out, "%s total, %s free",
				top_print_bytes(pool->total * pool->page_bytes, total),
				top_print_bytes(pool->free * pool->page_bytes, spare));
		else
			fputs("unknown", out);
	}
	fprintf(out, "%s\n", sample->pool_count ? "" : " no huge page pools");
}

static void top_print_row(FILE *out, const struct top_row *row)
{
	char cell[12][CELL_BYTES], percent[CELL_BYTES] = "-";

	if (row->huge_percent >= 0)
		snprintf(percent, sizeof(percent), "%d", row->huge_percent);
	fprintf(out, "%7d %-15.15s %5s %7s %5s %5s %5s %5s %5s %7s %5s %8s %8s %7s %7s %6" PRIu64
		" %5" PRIu64 "\n", (int)row->pid, row->program,
		top_print_bytes(row->live_bytes, cell[0]),
		top_print_bytes(row->backing_bytes[TOP_HUGETLB], cell[1]),
		top_print_bytes(row->backing_bytes[TOP_THP], cell[2]),
		top_print_bytes(row->backing_bytes[TOP_MTHP], cell[3]),
		top_print_bytes(row->backing_bytes[TOP_BASE], cell[4]),
		top_print_bytes(row->kept_bytes, cell[5]), percent,
		top_print_bytes(row->largest_bytes, cell[6]),
		row->page_bytes ? policy_format_size(row->page_bytes, cell[7]) : "-",
		top_print_known(row->entries, cell[8]), top_print_known(row->extents, cell[9]),
		top_print_rate(row->requests_rate, cell[10]),
		top_print_rate(row->frees_rate, cell[11]), row->fell_through, row->forks);
}

void top_print_text(FILE *out, const struct top_sample *sample)
{
	top_print_header(out, sample);
	fprintf(out, "%7s %-15s %5s %7s %5s %5s %5s %5s %5s %7s %5s %8s %8s %7s %7s %6s %5s\n",
		"PID", "PROGRAM", "LIVE", "HUGETLB", "THP", "MTHP", "BASE", "KEPT", "HUGE%",
		"LARGEST", "PAGE", "ENTRIES", "EXTENTS", "REQ/S", "FREE/S", "FELL", "FORKS");
	for (size_t i = 0; i < sample->count; i++)
		top_print_row(out, &sample->row[i]);
	for (size_t i = 0; i < sample->other_count; i++)
		fprintf(out, "%7d %-15.15s %s\n", (int)sample->other[i].pid,
			sample->other[i].program, sample->other[i].why);
	if (sample->unreadable)
		fprintf(out, "%u other process%s could not be looked at (no permission; the same "
			"user or CAP_SYS_PTRACE is needed)\n", sample->unreadable,
			sample->unreadable == 1 ? "" : "es");
}

static void top_print_json_known(struct json *json, const char *key, uint64_t value)
{
	if (value)
		json_put_number(json, key, value);
	else
		json_put_null(json, key);
}

static void top_print_json_row(struct json *json, const struct top_row *row)
{
	json_open_object(json, NULL);
	json_put_number(json, "pid", (uint64_t)row->pid);
	json_put_text(json, "program", row->program);
	json_put_number(json, "live_bytes", row->live_bytes);
	json_put_number(json, "hugetlb_bytes", row->backing_bytes[TOP_HUGETLB]);
	json_put_number(json, "thp_bytes", row->backing_bytes[TOP_THP]);
	json_put_number(json, "mthp_bytes", row->backing_bytes[TOP_MTHP]);
	json_put_number(json, "base_bytes", row->backing_bytes[TOP_BASE]);
	json_put_number(json, "kept_bytes", row->kept_bytes);
	if (row->huge_percent < 0)
		json_put_null(json, "huge_percent");
	else
		json_put_number(json, "huge_percent", (uint64_t)row->huge_percent);
	json_put_number(json, "largest_bytes", row->largest_bytes);
	top_print_json_known(json, "page_bytes", row->page_bytes);
	top_print_json_known(json, "entries", row->entries);
	top_print_json_known(json, "extents", row->extents);
	json_put_number(json, "requests", row->requests);
	json_put_number(json, "frees", row->frees);
	json_put_decimal(json, "requests_per_second", row->requests_rate);
	json_put_decimal(json, "frees_per_second", row->frees_rate);
	json_put_number(json, "fell_through", row->fell_through);
	json_put_number(json, "forks", row->forks);
	json_close(json);
}

static void top_print_json_pools(struct json *json, const struct top_sample *sample)
{
	json_open_list(json, "pools");
	for (unsigned int i = 0; i < sample->pool_count; i++) {
		const struct sysinfo_pool *pool = &sample->pool[i];

		json_open_object(json, NULL);
		json_put_number(json, "page_bytes", pool->page_bytes);
		json_put_flag(json, "known", pool->known);
		json_put_number(json, "total_bytes", pool->total * pool->page_bytes);
		json_put_number(json, "free_bytes", pool->free * pool->page_bytes);
		json_close(json);
	}
	json_close(json);
}

void top_print_json(FILE *out, const struct top_sample *sample)
{
	struct json json = { .out = out, .one_line = true };

	json_open_object(&json, NULL);
	json_put_decimal(&json, "monotonic_seconds", (double)sample->now_ns / 1e9);
	top_print_json_pools(&json, sample);
	json_open_list(&json, "processes");
	for (size_t i = 0; i < sample->count; i++)
		top_print_json_row(&json, &sample->row[i]);
	json_close(&json);
	json_open_list(&json, "other_versions");
	for (size_t i = 0; i < sample->other_count; i++) {
		json_open_object(&json, NULL);
		json_put_number(&json, "pid", (uint64_t)sample->other[i].pid);
		json_put_text(&json, "program", sample->other[i].program);
		json_put_text(&json, "why", sample->other[i].why);
		json_close(&json);
	}
	json_close(&json);
	json_put_number(&json, "unreadable", sample->unreadable);
	json_close(&json);
}
