/* SPDX-License-Identifier: MIT */
/* The policy as a program started here would get it: which file, its text, the environment. */
#ifndef TOOLS_CONFIG_H
#define TOOLS_CONFIG_H

#include "policy.h"

#include <limits.h>
#include <stdio.h>

struct config_source {
	const char *conf;	/* this file; NULL: the one config_find() finds */
	const char *rules;	/* these rules; NULL: those of $CONTIG_POLICY */
	bool environment;	/* take CONTIG_<SETTING> from the environment too */
};

/**
 * config_find - the file that the library would read
 * @out: $CONTIG_CONF, else $XDG_CONFIG_HOME/contig.conf, else /etc/contig.conf; the last two
 *	only if they exist
 *
 * Return: 0; -ENOENT: none, the built-in rules hold; @out is "" then.
 */
int config_find(char out[static PATH_MAX]);

/**
 * config_read - the text of a file, if it is a regular one of at most POLICY_FILE_BYTES
 * @text: for the caller to free; untouched, as @bytes, unless 0 is returned
 *
 * Does not wait for a FIFO or a terminal. A file it cannot read is reported.
 *
 * Return: 0 or the number of errors reported.
 */
unsigned int config_read(const char *path, char **text, size_t *bytes, policy_error_fn *report,
			 void *arg);

/**
 * config_load - read everything into @pol, which is not yet finished then
 * @path: the file it came from, "" if there was none
 *
 * Return: the number of errors reported.
 */
unsigned int config_load(struct policy *pol, const struct config_source *source,
			 char path[static PATH_MAX], policy_error_fn *report, void *arg);

/* config_is_disabled - does CONTIG_DISABLE turn the library off for programs started here. */
bool config_is_disabled(void);

/* config_print_error - a policy_error_fn: FILE:LINE: KEY: found "X", expected Y; @arg: FILE *. */
void config_print_error(const struct policy_error *error, void *arg);

#endif
