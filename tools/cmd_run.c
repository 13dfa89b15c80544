/* SPDX-License-Identifier: MIT */
/* contig run - start a program with libcontig.so under it. */
#include "command.h"
#include "config.h"
#include "library.h"
#include "target.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run_options {
	const char *rules, *conf, *stats;
	char **command;
};

/* --policy: wrong rules are the caller's mistake, so that nothing runs under half a policy. */
static int run_set_rules(const char *rules)
{
	static struct policy pol;

	policy_init(&pol);
	if (policy_read_rules(&pol, rules, config_print_error, stderr))
		return STATUS_MISUSE;
	return setenv("CONTIG_POLICY", rules, 1) ? STATUS_FAILED : STATUS_DONE;
}

/* --conf: made absolute, since the program may change its directory before it reads it. */
static int run_set_conf(const char *conf)
{
	char path[PATH_MAX], *text = NULL;
	size_t bytes;

	if (config_read(conf, &text, &bytes, config_print_error, stderr))
		return STATUS_MISUSE;
	free(text);
	if (!realpath(conf, path)) {
		command_error("%s: %s", conf, strerror(errno));
		return STATUS_MISUSE;
	}
	return setenv("CONTIG_CONF", path, 1) ? STATUS_FAILED : STATUS_DONE;
}

/* --stats: text, json, text:FILE, json:FILE; FILE as the caller's directory has it. */
static int run_set_stats(const char *stats)
{
	char directory[PATH_MAX], value[POLICY_TEXT_BYTES];
	const char *file = strchr(stats, ':');
	size_t length = file ? (size_t)(file - stats) : strlen(stats);
	int bytes;

	if (length != 4 || (strncmp(stats, "text", 4) && strncmp(stats, "json", 4)) ||
	    (file && !file[1])) {
		command_error("--stats=%s: expected text, json, text:FILE or json:FILE", stats);
		return STATUS_MISUSE;
	}
	if (!file || file[1] == '/') {
		bytes = snprintf(value, sizeof(value), "%s", stats);
	} else {
		if (!getcwd(directory, sizeof(directory))) {
			command_error("the current directory: %s", strerror(errno));
			return STATUS_FAILED;
		}
		bytes = snprintf(value, sizeof(value), "%.4s:%s/%s", stats, directory, file + 1);
	}
	if (bytes >= (int)sizeof(value)) {
		command_error("--stats: the file's path is too long (%d bytes, at most %d)", bytes,
			      (int)sizeof(value) - 1);
		return STATUS_MISUSE;
	}
	return setenv("CONTIG_STATS", value, 1) ? STATUS_FAILED : STATUS_DONE;
}

static int run_parse(int argc, char **argv, struct run_options *out)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "conf", required_argument, NULL, 'c' },
		{ "stats", optional_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (option) {
		case 'p': out->rules = optarg; break;
		case 'c': out->conf = optarg; break;
		case 's': out->stats = optarg ? optarg : "text"; break;
		case 'h': return command_help(&cmd_run);
		default: return command_misuse(&cmd_run);
		}
	}
	if (optind == argc) {
		command_error("run: no program named");
		return command_misuse(&cmd_run);
	}
	out->command = argv + optind;
	return STATUS_DONE;
}

/* Put the library under what is to come, if it can serve it. Return: enum status. */
static int run_prepare(const char *path, const char *library)
{
	static struct target target;
	char why[512];
	int ret;

	/* The library is of this program's kind; if it is not, the trial will tell. */
	target_examine(path, "/proc/self/exe", &target);
	if (target.problem[0])
		command_error("%s%s%s: libcontig cannot serve it: %s", path,
			      strcmp(path, target.file) ? " is run by " : "",
			      strcmp(path, target.file) ? target.file : "", target.problem);
	if (target.without_preload)
		return STATUS_DONE;
	if (config_is_disabled())
		command_error("CONTIG_DISABLE is set: libcontig will do nothing");
	ret = library_preload(library);
	if (ret) {
		command_error("%s: %s", library, ret == -EINVAL ?
			      "LD_PRELOAD can hold no path with a space, a colon or a $" :
			      strerror(-ret));
		return STATUS_FAILED;
	}
	ret = library_try(library, why, sizeof(why));
	if (ret) {
		command_error("%s is not mapped under LD_PRELOAD: %s", library,
			      ret == -ENOEXEC ? why : strerror(-ret));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

static int run_execute(char **command)
{
	int error;

	fflush(NULL);
	execvp(command[0], command);
	error = errno;
	command_error("%s: %s", command[0], strerror(error));
	return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

static int run_main(int argc, char **argv)
{
	struct run_options options = { 0 };
	char library[PATH_MAX], path[PATH_MAX];
	int status = run_parse(argc, argv, &options);
	int ret;

	if (status || !options.command)
		return status;
	if (options.rules)
		status = run_set_rules(options.rules);
	if (!status && options.conf)
		status = run_set_conf(options.conf);
	if (!status && options.stats)
		status = run_set_stats(options.stats);
	if (status)
		return status;
	if (target_find(options.command[0], path))
		return run_execute(options.command);
	ret = library_find(library);
	if (ret) {
		command_error(LIBRARY_NAME " is neither beside this program nor in its ../lib: %s",
			      strerror(-ret));
		return STATUS_FAILED;
	}
	status = run_prepare(path, library);
	return status ? status : run_execute(options.command);
}

const struct command cmd_run = {
	.name = "run",
	.args = "[--policy RULES] [--conf FILE] [--stats[=FORMAT[:FILE]]] [--] "
		"PROGRAM [ARGUMENT...]",
	.line = "run a program on contiguous memory",
	.options =
		"  --policy RULES   rules that come before those of the file, as CONTIG_POLICY\n"
		"  --conf FILE      read FILE instead of the usual contig.conf\n"
		"  --stats[=FORMAT] report at exit: text (as without =), json, text:FILE,\n"
		"                   json:FILE (%p in FILE: process id, %e: program)\n"
		"\n"
		"exit status: the program's; 126 it cannot be executed, 127 there is none,\n"
		"1 the library cannot be put under it, 2 used wrongly\n",
	.run = run_main,
};
