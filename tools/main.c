/* SPDX-License-Identifier: MIT */
/* contig - run programs on contiguous memory, and say what they got. */
#include "command.h"
#include "library.h"

#include <errno.h>
#include <string.h>

static const struct command *const commands[] = {
	&cmd_run, &cmd_check, &cmd_explain, &cmd_doctor, &cmd_stat, &cmd_top, &cmd_map, &cmd_pool,
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void main_print_usage(FILE *out)
{
	fprintf(out, "usage: contig COMMAND [ARGUMENT...]\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->line);
	fprintf(out, "\ncontig COMMAND --help tells more, contig --version which one this is.\n");
}

static const struct command *main_find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int main_help(const char *topic)
{
	const struct command *cmd;

	if (!topic) {
		main_print_usage(stdout);
		return STATUS_DONE;
	}
	cmd = main_find_command(topic);
	if (!cmd) {
		command_error("%s: no such command", topic);
		main_print_usage(stderr);
		return STATUS_MISUSE;
	}
	return command_help(cmd);
}

static int main_dispatch(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		main_print_usage(stderr);
		return STATUS_MISUSE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("contig " CONTIG_VERSION "\n");
		return STATUS_DONE;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return main_help(argc > 2 ? argv[2] : NULL);
	if (!strcmp(argv[1], LIBRARY_PROBE) && argc == 3)
		return library_probe(argv[2]);

	cmd = main_find_command(argv[1]);
	if (!cmd) {
		command_error("%s: no such command", argv[1]);
		main_print_usage(stderr);
		return STATUS_MISUSE;
	}
	return cmd->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status = main_dispatch(argc, argv);

	/* A listing that did not reach its reader (a full disk) is a failure. */
	if (fclose(stdout) && errno != EBADF) {
		fprintf(stderr, "contig: standard output: %s\n", strerror(errno));
		return status ? status : STATUS_FAILED;
	}
	return status;
}
