/* SPDX-License-Identifier: MIT */
/*
 * What every command of `contig` shares: its row in the table, its exit status, and how it
 * speaks to the person in front of it.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

/* 0 done, 1 tried and failed, 2 used wrongly; the last two are of `contig run`, as a shell's. */
enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_MISUSE = 2,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
};

struct command {
	const char *name;
	const char *args;	/* "[--json] [PID]" */
	const char *line;	/* what it does, one line */
	const char *options;	/* one line each, ending in a newline; "" none */
	/* argv[0] is the command's name. Return: enum status, or the exit status of a program. */
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_run;
extern const struct command cmd_check;
extern const struct command cmd_explain;
extern const struct command cmd_doctor;
extern const struct command cmd_stat;
extern const struct command cmd_map;
extern const struct command cmd_pool;
extern const struct command cmd_top;

/* command_help - print usage and options on standard output. Return: STATUS_DONE. */
int command_help(const struct command *cmd);

/* command_misuse - print the usage line on standard error. Return: STATUS_MISUSE. */
int command_misuse(const struct command *cmd);

/* command_error - one line on standard error, with "contig: " before it. */
void command_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* command_colour - may colour be written to @out: a terminal, NO_COLOR not set, TERM not dumb. */
bool command_colour(FILE *out);

#endif
