/* SPDX-License-Identifier: MIT */
/* What contig top shows: a sample of the processes under libcontig.so, and its two forms. */
#ifndef TOOLS_TOP_H
#define TOOLS_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "served.h"
#include "sysinfo.h"

#define TOP_PROGRAM_BYTES 32	/* comm has 15 characters, kernel threads' are longer */

enum top_backing { TOP_HUGETLB, TOP_THP, TOP_MTHP, TOP_BASE, TOP_BACKING_COUNT };

struct top_row {
	pid_t pid;
	char program[TOP_PROGRAM_BYTES];
	uint64_t start_ns;		/* with pid: the same process in two samples */
	uint64_t live_bytes, kept_bytes;
	uint64_t backing_bytes[TOP_BACKING_COUNT];	/* of the live ones */
	int huge_percent;		/* of what is resident, on huge pages; -1 unknown */
	uint64_t largest_address, largest_bytes;
	uint64_t page_bytes, entries, extents;	/* of the largest; 0 unknown */
	uint64_t measure_next_ns;		/* they hold until then */
	uint64_t requests, frees;		/* in all */
	double requests_rate, frees_rate;	/* a second, since the sample before */
	uint64_t fell_through, forks;
};

/* A process whose libcontig.so is of another version. */
struct top_other {
	pid_t pid;
	char program[TOP_PROGRAM_BYTES];
	char why[SERVED_TEXT_BYTES];
};

struct top_sample {
	uint64_t now_ns;		/* CLOCK_MONOTONIC */
	struct top_row *row;
	size_t count, room;
	struct top_other *other;
	size_t other_count, other_room;
	unsigned int unreadable;	/* processes that this user may not look at */
	struct sysinfo_pool pool[SYSINFO_SIZES];
	unsigned int pool_count;
	int error;			/* -ENOMEM: the lists are cut */
};

/**
 * top_sample_take - look at every process
 * @out: of an earlier sample or zeroes; its memory is used again
 * @before: for the rates; of a process that is not in it they are since its start
 *
 * Return: 0; -ENOMEM; -errno of /proc.
 */
int top_sample_take(struct top_sample *out, const struct top_sample *before);

void top_sample_free(struct top_sample *sample);

/*
 * top_sample_sort - by one of the keys of top_sort_key(): names ascending, figures the largest
 * first, and by pid where they are equal.
 */
void top_sample_sort(struct top_sample *sample, unsigned int key);

/* top_sort_key - the name of key @index, NULL behind the last; 0 is live bytes. */
const char *top_sort_key(unsigned int index);

/* top_print_text - a block of lines. top_print_json - one line. */
void top_print_text(FILE *out, const struct top_sample *sample);
void top_print_json(FILE *out, const struct top_sample *sample);

#endif
