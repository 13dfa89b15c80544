/* SPDX-License-Identifier: MIT */
/* contig stat - the figures of running programs, read from their memory. */
#include "command.h"
#include "contig.h"
#include "json.h"
#include "library.h"
#include "policy.h"
#include "served.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum stat_unit { STAT_UNIT_count, STAT_UNIT_bytes, STAT_UNIT_ns, STAT_UNIT_address };

static void stat_print_figure(const char *indent, const char *name, enum stat_unit unit,
			      uint64_t value, const char *help)
{
	char text[24];

	if (!value)
		return;
	if (unit == STAT_UNIT_bytes)
		policy_format_size(value, text);
	else if (unit == STAT_UNIT_address)
		snprintf(text, sizeof(text), "0x%" PRIx64, value);
	else
		snprintf(text, sizeof(text), "%" PRIu64 "%s", value,
			 unit == STAT_UNIT_ns ? "ns" : "");
	printf("%s%-22s %14s  %s\n", indent, name, text, help);
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

static void stat_print_text(const struct served_process *process)
{
	const struct contig_stats *stats = &process->stats;
	char text[SERVED_TEXT_BYTES], size[24];

	printf("%d %s: %s", (int)process->pid, process->program, served_describe(process, text));
	if (process->outcome != SERVED_READ) {
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

static void stat_print_json(struct json *json, const struct served_process *process)
{
	const struct contig_stats *stats = &process->stats;
	char text[SERVED_TEXT_BYTES];

	json_open_object(json, NULL);
	json_put_number(json, "pid", (uint64_t)process->pid);
	json_put_text(json, "program", process->program);
	json_put_flag(json, "read", process->outcome == SERVED_READ);
	json_put_text(json, "state", served_describe(process, text));
	if (process->outcome == SERVED_READ) {
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
static void stat_show(struct json *json, const struct served_process *process)
{
	if (json)
		stat_print_json(json, process);
	else
		stat_print_text(process);
}

static int stat_show_one(struct json *json, pid_t pid)
{
	static struct served_process process;
	char text[SERVED_TEXT_BYTES];

	served_read(pid, &process);
	if (json || process.outcome == SERVED_READ)
		stat_show(json, &process);
	else
		command_error("process %d: %s", (int)pid, served_describe(&process, text));
	return process.outcome == SERVED_READ ? STATUS_DONE : STATUS_FAILED;
}

struct stat_listing {
	struct json *json;
	unsigned int shown, hidden;
};

static void stat_visit(const struct served_process *process, void *arg)
{
	struct stat_listing *listing = arg;

	if (process->outcome == SERVED_ERROR && process->error == -EACCES) {
		listing->hidden++;
		return;
	}
	stat_show(listing->json, process);
	listing->shown++;
}

static int stat_show_all(struct json *json)
{
	struct stat_listing listing = { .json = json };
	int ret = served_each(stat_visit, &listing);

	if (ret) {
		command_error("/proc: %s", strerror(-ret));
		return STATUS_FAILED;
	}
	if (!listing.shown && !json)
		printf("no process runs under " LIBRARY_NAME "%s\n",
		       listing.hidden ? ", as far as this user may see" : "");
	if (listing.hidden)
		command_error("%u other process%s could not be looked at (no permission)",
			      listing.hidden, listing.hidden == 1 ? "" : "es");
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
