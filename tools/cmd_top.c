/* SPDX-License-Identifier: MIT */
/* contig top - the processes under libcontig.so, live. */
#include "command.h"
#include "screen.h"
#include "top.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOP_SECONDS_LEAST	0.1
#define TOP_SECONDS_MOST	86400.0

struct top_options {
	double seconds;
	unsigned long count;	/* 0: without end */
	unsigned int key;
	bool json, screen;
};

static int top_parse_seconds(const char *text, double *out)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= TOP_SECONDS_LEAST && seconds <= TOP_SECONDS_MOST))
		return -EINVAL;
	*out = seconds;
	return 0;
}

static int top_parse_count(const char *text, unsigned long *out)
{
	char *end;
	unsigned long count;

	errno = 0;
	count = strtoul(text, &end, 10);
	if (errno || end == text || *end || strchr(text, '-') || !count)
		return -EINVAL;
	*out = count;
	return 0;
}

static int top_parse_key(const char *text, unsigned int *out)
{
	for (unsigned int i = 0; top_sort_key(i); i++)
		if (!strcmp(text, top_sort_key(i))) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

static int top_say_keys(const char *found)
{
	char keys[256] = "";

	for (unsigned int i = 0; top_sort_key(i); i++) {
		strcat(keys, " ");
		strcat(keys, top_sort_key(i));
	}
	command_error("--sort: found \"%s\", expected one of%s", found, keys);
	return STATUS_MISUSE;
}

static int top_print(const struct top_sample *sample, const struct top_options *options,
		     bool first)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out;

	if (options->screen) {
		out = open_memstream(&text, &bytes);
		if (!out)
			return -ENOMEM;
		top_print_text(out, sample);
		if (!fclose(out))
			screen_draw(text);
		free(text);
	} else if (options->json) {
		top_print_json(stdout, sample);
	} else {
		if (!first)
			putchar('\n');
		top_print_text(stdout, sample);
	}
	return fflush(stdout) ? -errno : 0;
}

/* Return: whether to go on; @signal: what was sent, if that is why not. */
static bool top_wait(struct top_sample *shown, const struct top_options *options,
		     uint64_t until_ns, int *signal)
{
	struct timespec until = {
		.tv_sec = (time_t)(until_ns / 1000000000u), .tv_nsec = (long)(until_ns % 1000000000u),
	};

	if (!options->screen) {
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
			;
		return true;
	}
	for (;;) {
		switch (screen_wait(until_ns, signal)) {
		case SCREEN_TIME: return true;
		case SCREEN_RESIZE: top_print(shown, options, false); break;
		default: return false;
		}
	}
}

/* Return: 0, or -errno; @signal: by which the program should end. */
static int top_loop(const struct top_options *options, int *signal)
{
	static struct top_sample samples[2];
	uint64_t step = (uint64_t)(options->seconds * 1e9);
	int ret = 0;

	for (unsigned long n = 0; !options->count || n < options->count; n++) {
		struct top_sample *now = &samples[n % 2];

		/* Counted from the last one: a process that was stopped does not catch up. */
		if (n && !top_wait(&samples[(n + 1) % 2], options,
				   samples[(n + 1) % 2].now_ns + step, signal))
			break;
		ret = top_sample_take(now, n ? &samples[(n + 1) % 2] : NULL);
		if (ret)
			break;
		top_sample_sort(now, options->key);
		ret = top_print(now, options, !n);
		if (ret)
			break;
	}
	top_sample_free(&samples[0]);
	top_sample_free(&samples[1]);
	return ret;
}

static int top_run(struct top_options *options)
{
	int signal = 0, ret;

	if (options->screen && screen_open())
		options->screen = false;
	ret = top_loop(options, &signal);
	screen_close();
	if (signal) {
		fflush(stdout);
		raise(signal);	/* whoever started us sees what ended us */
	}
	if (!ret)
		return STATUS_DONE;
	command_error("%s", strerror(-ret));
	return STATUS_FAILED;
}

/* Return: STATUS_DONE: go on; else what is to be returned. */
static int top_take_option(int option, struct top_options *options)
{
	switch (option) {
	case 's':
		return top_parse_key(optarg, &options->key) ? top_say_keys(optarg) : STATUS_DONE;
	case 'i':
		if (!top_parse_seconds(optarg, &options->seconds))
			return STATUS_DONE;
		command_error("--interval: found \"%s\", expected seconds, %.1f to %.0f", optarg,
			      TOP_SECONDS_LEAST, TOP_SECONDS_MOST);
		return STATUS_MISUSE;
	case 'c':
		if (!top_parse_count(optarg, &options->count))
			return STATUS_DONE;
		command_error("--count: found \"%s\", expected a number from 1", optarg);
		return STATUS_MISUSE;
	case 'o':
		options->count = 1;
		return STATUS_DONE;
	case 'j':
		options->json = true;
		return STATUS_DONE;
	default:
		return command_misuse(&cmd_top);
	}
}

static int top_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "sort", required_argument, NULL, 's' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ "once", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct top_options wanted = { .seconds = 2 };
	int option, status;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return command_help(&cmd_top);
		status = top_take_option(option, &wanted);
		if (status)
			return status;
	}
	if (optind < argc)
		return command_misuse(&cmd_top);
	wanted.screen = !wanted.json && wanted.count != 1 && screen_possible();
	return top_run(&wanted);
}

const struct command cmd_top = {
	.name = "top",
	.args = "[--sort KEY] [--interval SECONDS] [--count N] [--once] [--json]",
	.line = "show running programs, live",
	.options =
		"  --sort KEY          the largest KEY first: live (if not given), hugetlb, thp,\n"
		"                      mthp, base, kept, huge, largest, entries, extents,\n"
		"                      requests, frees, fell, forks; or by pid or program\n"
		"  --interval SECONDS  between two looks, 0.1 to 86400; 2 if not given\n"
		"  --count N           end after N looks\n"
		"  --once              look once\n"
		"  --json              one object a look, a line each\n"
		"\n"
		"On a terminal the list is drawn anew in its place, and q ends it.\n"
		"exit status: 0 done, 1 /proc could not be read, 2 used wrongly\n",
	.run = top_main,
};
