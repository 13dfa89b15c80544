/* SPDX-License-Identifier: MIT */
/* contig check - every error of a contig.conf, or of what a program started here would read. */
#include "command.h"
#include "config.h"
#include "json.h"

#include <getopt.h>
#include <string.h>

static void check_print_json_error(const struct policy_error *error, void *arg)
{
	struct json *json = arg;

	json_open_object(json, NULL);
	json_put_text(json, "file", error->file);
	if (error->line)
		json_put_number(json, "line", error->line);
	else
		json_put_null(json, "line");
	json_put_text(json, "key", error->key);
	json_put_text(json, "found", error->text);
	json_put_text(json, "expected", error->expected);
	json_close(json);
}

static unsigned int check_count_rules(const struct policy *pol)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < pol->count; i++)
		count += pol->rule[i].line != 0;
	return count;
}

static unsigned int check_as_text(struct policy *pol, const struct config_source *source)
{
	char path[PATH_MAX] = "";
	unsigned int errors = config_load(pol, source, path, config_print_error, stdout);

	if (!errors)
		printf("%s: no errors, %u rules\n", path[0] ? path : "no file, built-in rules only",
		       check_count_rules(pol));
	return errors;
}

static unsigned int check_as_json(struct policy *pol, const struct config_source *source)
{
	struct json json = { .out = stdout };
	char path[PATH_MAX] = "";
	unsigned int errors;

	json_open_object(&json, NULL);
	json_open_list(&json, "errors");
	errors = config_load(pol, source, path, check_print_json_error, &json);
	json_close(&json);
	json_put_text(&json, "file", path[0] ? path : NULL);
	json_put_number(&json, "rules", check_count_rules(pol));
	json_close(&json);
	return errors;
}

static int check_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "policy", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct policy pol;
	struct config_source source = { .environment = true };
	bool json = false;
	unsigned int errors;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j': json = true; break;
		case 'p': source.rules = optarg; break;
		case 'h': return command_help(&cmd_check);
		default: return command_misuse(&cmd_check);
		}
	}
	if (argc - optind > 1)
		return command_misuse(&cmd_check);
	if (optind < argc) {
		source.conf = argv[optind];
		source.environment = false;
	}
	errors = json ? check_as_json(&pol, &source) : check_as_text(&pol, &source);
	return errors ? STATUS_FAILED : STATUS_DONE;
}

const struct command cmd_check = {
	.name = "check",
	.args = "[--json] [--policy RULES] [FILE]",
	.line = "show every error of a contig.conf",
	.options =
		"  --policy RULES   check these rules too, as CONTIG_POLICY would hold them\n"
		"  --json           as JSON\n"
		"\n"
		"Without FILE: the file, CONTIG_POLICY and CONTIG_<SETTING> variables that a\n"
		"program started here would read.\n"
		"exit status: 0 no errors, 1 errors, 2 used wrongly\n",
	.run = check_main,
};
