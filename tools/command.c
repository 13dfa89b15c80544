/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int command_help(const struct command *cmd)
{
	printf("usage: contig %s %s\n%s\n", cmd->name, cmd->args, cmd->line);
	if (cmd->options[0])
		printf("\n%s", cmd->options);
	return STATUS_DONE;
}

int command_misuse(const struct command *cmd)
{
	fprintf(stderr, "usage: contig %s %s\n", cmd->name, cmd->args);
	return STATUS_MISUSE;
}

void command_error(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	fputs("contig: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

bool command_colour(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color && no_color[0])
		return false;
	if (!term || !strcmp(term, "dumb"))
		return false;
	return isatty(fileno(out)) == 1;
}
