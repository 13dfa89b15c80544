/* SPDX-License-Identifier: MIT */
/* Processes under libcontig.so, and their figures, read from their memory. */
#ifndef TOOLS_SERVED_H
#define TOOLS_SERVED_H

#include "contig.h"

#include <sys/types.h>

#define SERVED_TEXT_BYTES 192

/* What can come of looking at one process. */
enum served_outcome {
	SERVED_READ,
	SERVED_NOT_MAPPED,	/* libcontig.so is not in it */
	SERVED_NOT_STARTED,	/* it is, and has not come to its first call yet */
	SERVED_OTHER_VERSION,	/* of stats only magic, version and bytes are filled in */
	SERVED_ERROR,		/* error says what; -EPERM, -EACCES, -ESRCH, ... */
};

struct served_process {
	pid_t pid;
	enum served_outcome outcome;
	int error;
	char program[256];
	struct contig_stats stats;	/* SERVED_READ; its counts and texts are made safe */
};

/* served_read - look at one process; it is not stopped. Never fails, see @out->outcome. */
void served_read(pid_t pid, struct served_process *out);

/* served_describe - its state, or why there are no figures, in words. Return: @out or a constant. */
const char *served_describe(const struct served_process *process,
			    char out[static SERVED_TEXT_BYTES]);

/**
 * served_each - look at every process but this one
 * @visit: called for each that has the library, or may have: those gone meanwhile and those
 *	without it are left out, those of others come as SERVED_ERROR with -EACCES
 *
 * Return: 0; -errno of /proc.
 */
int served_each(void (*visit)(const struct served_process *process, void *arg), void *arg);

#endif
