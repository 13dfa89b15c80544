/* SPDX-License-Identifier: MIT */
/* contig map - where a process's large memory lies physically. */
#include "command.h"
#include "json.h"
#include "map.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MAP_COLUMNS = 80, MAP_COLUMNS_LEAST = 40 };

struct map_options {
	pid_t pid;
	uint64_t address;
	bool has_address, all, as_json;
	const char *svg;
};

static int map_parse_pid(const char *text, pid_t *out)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || !isdigit((unsigned char)text[0]) || *end || pid <= 0 || pid > INT32_MAX)
		return -EINVAL;
	*out = (pid_t)pid;
	return 0;
}

/* As /proc/PID/maps writes it: hexadecimal, with or without 0x. */
static int map_parse_address(const char *text, uint64_t *out)
{
	unsigned long long address;
	char *end;

	errno = 0;
	address = strtoull(text, &end, 16);
	if (errno || !isxdigit((unsigned char)text[0]) || *end)
		return -EINVAL;
	*out = address;
	return 0;
}

static int map_explain(const struct map_options *options, int error)
{
	int pid = (int)options->pid;

	if (error == -ESRCH)
		command_error("process %d: no such process, or it has ended", pid);
	else if (error == -ENXIO)
		command_error("process %d: a kernel thread, it has no memory of its own", pid);
	else if (error == -EACCES || error == -EPERM)
		command_error("process %d: no permission to read it (the same user or "
			      "CAP_SYS_PTRACE is needed: sudo contig map %d)", pid, pid);
	else if (error == -EFAULT)
		command_error("process %d: nothing is mapped at %" PRIx64, pid, options->address);
	else
		command_error("process %d: %s", pid, strerror(-error));
	return STATUS_FAILED;
}

/* Cells of a strip: what fits beside its indent and its legend. */
static size_t map_count_cells(void)
{
	struct winsize window;
	size_t columns = MAP_COLUMNS;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) && window.ws_col)
		columns = window.ws_col;
	if (columns < MAP_COLUMNS_LEAST)
		columns = MAP_COLUMNS_LEAST;
	columns -= sizeof("    a cell is 1023M");
	return columns < MAP_CELLS ? columns : MAP_CELLS;
}

static int map_draw(const struct map_options *options, const struct map_process *process)
{
	bool writing;
	int ret = map_write_svg(process, options->svg, &writing);

	if (!ret)
		return STATUS_DONE;
	if (writing)
		command_error("%s: %s", options->svg, strerror(-ret));
	else if (ret != -ENODATA)
		return map_explain(options, ret);
	else if (process->hidden)
		command_error("process %d: nothing to draw, the kernel hides physical addresses "
			      "from this user (CAP_SYS_ADMIN is needed: sudo contig map)",
			      (int)process->pid);
	else
		command_error("process %d: nothing to draw, it has no large memory",
			      (int)process->pid);
	return STATUS_FAILED;
}

static int map_show(const struct map_options *options, const struct map_process *process)
{
	struct json writer = { .out = stdout }, *json = options->as_json ? &writer : NULL;
	int ret = 0;

	if (json) {
		json_open_object(json, NULL);
		map_print_json(process, json);
	} else {
		map_print_text(process, command_colour(stdout));
	}
	if (options->has_address) {
		if (json)
			json_open_list(json, "pieces");
		ret = map_print_extents(process, json, options->all ? 0 : MAP_LIST_MOST);
		if (json)
			json_close(json);
	}
	if (json)
		json_close(json);
	if (process->hidden)
		command_error("the kernel hides physical addresses from this user (CAP_SYS_ADMIN "
			      "is needed: sudo contig map %d)", (int)process->pid);
	return ret ? map_explain(options, ret) : STATUS_DONE;
}

static int map_run(const struct map_options *options)
{
	size_t cells = options->svg || options->as_json ? MAP_CELLS : map_count_cells();
	struct map_process process;
	int ret = map_read(options->pid, options->has_address ? &options->address : NULL, cells,
			   &process);

	if (ret)
		return map_explain(options, ret);
	ret = options->svg ? map_draw(options, &process) : map_show(options, &process);
	map_free(&process);
	return ret;
}

static int map_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "svg", required_argument, NULL, 's' },
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct map_options options = { .pid = 0 };
	int option;

	while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (option) {
		case 'j': options.as_json = true; break;
		case 's': options.svg = optarg; break;
		case 'a': options.all = true; break;
		case 'h': return command_help(&cmd_map);
		default: return command_misuse(&cmd_map);
		}
	}
	if (argc - optind < 1 || argc - optind > 2 || (options.svg && options.as_json))
		return command_misuse(&cmd_map);
	if (map_parse_pid(argv[optind], &options.pid)) {
		command_error("%s: expected a process id", argv[optind]);
		return STATUS_MISUSE;
	}
	options.has_address = argc - optind == 2;
	if (options.has_address && map_parse_address(argv[optind + 1], &options.address)) {
		command_error("%s: expected an address, hexadecimal", argv[optind + 1]);
		return STATUS_MISUSE;
	}
	return map_run(&options);
}

const struct command cmd_map = {
	.name = "map",
	.args = "[--json | --svg FILE] [--all] PID [ADDRESS]",
	.line = "show where a process's large memory lies physically",
	.options =
		"  --json           as JSON\n"
		"  --svg FILE       a picture: virtual against physical addresses\n"
		"  --all            with ADDRESS: list every extent\n"
		"\n"
		"With ADDRESS (hexadecimal): the mapping that holds it, and its extents.\n"
		"exit status: 0 done, 1 PID may not be read or is no more, 2 used wrongly\n",
	.run = map_main,
};
