/* SPDX-License-Identifier: MIT */
/* contig explain - what would become of one request, and why. */
#include "command.h"
#include "config.h"
#include "json.h"
#include "verdict.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

struct explain_options {
	struct request req;
	struct config_source source;
	const char *exe;
	bool json, has_size, has_call;
};

struct explanation {
	const struct explain_options *options;
	const struct policy *pol;
	struct decision decision;
	const struct rule *rule;	/* NULL: none, the heap */
	char file[PATH_MAX];		/* of the rules; "" none */
	unsigned int count;
	struct verdict verdict[VERDICT_COUNT];
};

static int explain_take_option(struct explain_options *options, int option, const char *value)
{
	switch (option) {
	case 's':
		options->has_size = true;
		if (!policy_parse_size(value, &options->req.bytes))
			return STATUS_DONE;
		command_error("--size: found \"%s\", expected a size, such as 64M", value);
		return STATUS_MISUSE;
	case 'a':
		if (!policy_parse_size(value, &options->req.align) && options->req.align &&
		    !(options->req.align & (options->req.align - 1)))
			return STATUS_DONE;
		command_error("--align: found \"%s\", expected a power of two", value);
		return STATUS_MISUSE;
	case 'c':
		options->has_call = true;
		if (!policy_call_parse(value, &options->req.call))
			return STATUS_DONE;
		fprintf(stderr, "contig: --call: found \"%s\", expected one of", value);
		for (unsigned int call = 0; call < CALL_COUNT; call++)
			fprintf(stderr, " %s", policy_call_name(call));
		fputc('\n', stderr);
		return STATUS_MISUSE;
	case 'e': options->exe = value; return STATUS_DONE;
	case 'p': options->source.rules = value; return STATUS_DONE;
	case 'f': options->source.conf = value; return STATUS_DONE;
	case 'j': options->json = true; return STATUS_DONE;
	default: return command_misuse(&cmd_explain);
	}
}

static int explain_parse(int argc, char **argv, struct explain_options *out)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "align", required_argument, NULL, 'a' },
		{ "call", required_argument, NULL, 'c' },
		{ "exe", required_argument, NULL, 'e' },
		{ "policy", required_argument, NULL, 'p' },
		{ "conf", required_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int option, status = STATUS_DONE;

	*out = (struct explain_options){
		.req = { .call = CALL_MALLOC, .align = 1 }, .source = { .environment = true },
	};
	while (!status && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		status = explain_take_option(out, option, optarg);
	if (status)
		return status;
	if (!out->has_size || optind < argc)
		return command_misuse(&cmd_explain);
	if (out->req.align > 1 && !out->has_call)
		out->req.call = CALL_ALIGNED_ALLOC;
	if (out->req.call == CALL_VALLOC || out->req.call == CALL_PVALLOC)
		out->req.align = 4 * KIB;	/* whatever was said: they align to a page */
	return STATUS_DONE;
}

/* Where the rule stands, in words. */
static const char *explain_format_origin(const struct explanation *ex,
					 char out[static PATH_MAX + 64])
{
	const struct rule *rule = ex->rule;

	if (!rule)
		snprintf(out, PATH_MAX + 64, "below every rule");
	else if (rule->inline_rule)
		snprintf(out, PATH_MAX + 64, "rule %u of %s", rule->line,
			 ex->options->source.rules ? "--policy" : "CONTIG_POLICY");
	else if (rule->line)
		snprintf(out, PATH_MAX + 64, "%s:%u", ex->file, rule->line);
	else
		snprintf(out, PATH_MAX + 64, "built in");
	return out;
}

static char *explain_format_chain(const struct chain *chain, char out[static 512])
{
	size_t used = 0;
	char link[64];

	out[0] = '\0';
	for (unsigned int i = 0; i < chain->count && used < 512; i++)
		used += (size_t)snprintf(out + used, 512 - used, "%s%s", i ? ", " : "",
					 policy_format_link(&chain->link[i], link));
	if (used < 512)
		snprintf(out + used, 512 - used, "%s%s", chain->count ? "" : "heap",
			 chain->strict ? "!" : "");
	return out;
}

static const char *explain_format_contiguity(const struct contiguity *want, char out[static 24])
{
	static const char *const word[] = {
		[CONTIGUITY_ANY] = "any", [CONTIGUITY_PAGE] = "page", [CONTIGUITY_WHOLE] = "whole",
	};

	return want->kind == CONTIGUITY_SIZE ? policy_format_size(want->bytes, out)
					     : word[want->kind];
}

static const char *explain_format_node(int node, char out[static 24])
{
	if (node == NODE_ANY)
		return "any";
	if (node == NODE_LOCAL)
		return "local";
	snprintf(out, 24, "%d", node);
	return out;
}

static const char *explain_populate_name(enum populate_id populate)
{
	static const char *const word[] = {
		[POPULATE_AUTO] = "auto", [POPULATE_YES] = "yes", [POPULATE_NO] = "no",
	};

	return word[populate];
}

static bool explain_is_left_alone(const struct explanation *ex)
{
	if (config_is_disabled())
		return true;
	return ex->options->exe && !policy_serves(ex->pol, ex->options->exe);
}

/* What the program would get in the end. */
static const char *explain_find_result(const struct explanation *ex)
{
	bool is_mmap = ex->options->req.call >= CALL_MMAP;

	if (explain_is_left_alone(ex))
		return "libc";
	for (unsigned int i = 0; i < ex->count; i++)
		if (ex->verdict[i].serves)
			return ex->verdict[i].link;
	if (ex->decision.chain->strict)
		return "ENOMEM";
	return is_mmap ? "mmap" : "heap";
}

static const char *explain_describe_result(const char *result)
{
	static const struct { const char *result, *words; } known[] = {
		{ "libc", "libc: the program is left alone (leave, serve, CONTIG_DISABLE)" },
		{ "ENOMEM", "nobody: the chain ends in !, the call fails with ENOMEM" },
		{ "mmap", "an ordinary mmap, as the program asked" },
		{ "heap", "the heap (jemalloc)" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].result, result))
			return known[i].words;
	return result;
}

static void explain_print_verdicts(const struct explanation *ex)
{
	bool colour = command_colour(stdout);

	for (unsigned int i = 0; i < ex->count; i++) {
		const struct verdict *verdict = &ex->verdict[i];

		printf("  %-14s %s%s%s: %s%s\n", verdict->link,
		       !colour ? "" : verdict->serves ? "\033[32m" : "\033[33m",
		       verdict->serves ? "serves" : "refuses", colour ? "\033[0m" : "",
		       verdict->why, verdict->serves && verdict->checked ?
		       "; if it keeps the promise, which is checked then" : "");
		if (verdict->mend[0])
			printf("  %-14s as root: %s\n", "", verdict->mend);
	}
}

static void explain_print_text(const struct explanation *ex)
{
	const struct request *req = &ex->options->req;
	char size[24], align[24], chain[512], origin[PATH_MAX + 64], contiguity[24], node[24];

	printf("request    %s of %s", policy_call_name(req->call),
	       policy_format_size(req->bytes, size));
	if (req->align > 1)
		printf(", aligned to %s", policy_format_size(req->align, align));
	printf("%s%s\n", ex->options->exe ? " by " : "", ex->options->exe ? ex->options->exe : "");
	explain_format_origin(ex, origin);
	printf("rule       %s%s%s%s\n", ex->rule ? ex->rule->name : origin, ex->rule ? " (" : "",
	       ex->rule ? origin : "", ex->rule ? ")" : "");
	if (ex->rule && ex->rule->exe.count && !ex->options->exe)
		printf("           only for some programs (exe = %s%s): --exe NAME to choose\n",
		       ex->rule->exe.name[0], ex->rule->exe.count > 1 ? ", ..." : "");
	printf("chain      %s\n", explain_format_chain(ex->decision.chain, chain));
	if (ex->rule)
		printf("also       contiguity = %s, node = %s, populate = %s\n",
		       explain_format_contiguity(&ex->decision.contiguity, contiguity),
		       explain_format_node(ex->decision.node, node),
		       explain_populate_name(ex->decision.populate));
	if (ex->count)
		printf("this machine, now\n");
	explain_print_verdicts(ex);
	printf("served by  %s\n", explain_describe_result(explain_find_result(ex)));
}

static void explain_print_json_rule(const struct explanation *ex, struct json *json)
{
	const struct rule *rule = ex->rule;
	char origin[PATH_MAX + 64], contiguity[24], node[24];

	if (!rule) {
		json_put_null(json, "rule");
		return;
	}
	json_open_object(json, "rule");
	json_put_text(json, "name", rule->name);
	json_put_text(json, "origin", explain_format_origin(ex, origin));
	json_put_text(json, "file", rule->line && !rule->inline_rule ? ex->file : NULL);
	json_put_number(json, "line", rule->line);
	json_put_text(json, "contiguity",
		      explain_format_contiguity(&ex->decision.contiguity, contiguity));
	json_put_text(json, "node", explain_format_node(ex->decision.node, node));
	json_put_text(json, "populate", explain_populate_name(ex->decision.populate));
	json_close(json);
}

static void explain_print_json(const struct explanation *ex)
{
	struct json json = { .out = stdout };
	const struct request *req = &ex->options->req;
	char chain[512];

	json_open_object(&json, NULL);
	json_open_object(&json, "request");
	json_put_text(&json, "call", policy_call_name(req->call));
	json_put_number(&json, "bytes", req->bytes);
	json_put_number(&json, "align", req->align);
	json_put_text(&json, "exe", ex->options->exe);
	json_close(&json);
	explain_print_json_rule(ex, &json);
	json_put_text(&json, "chain", explain_format_chain(ex->decision.chain, chain));
	json_put_flag(&json, "strict", ex->decision.chain->strict);
	json_open_list(&json, "links");
	for (unsigned int i = 0; i < ex->count; i++) {
		const struct verdict *verdict = &ex->verdict[i];

		json_open_object(&json, NULL);
		json_put_text(&json, "link", verdict->link);
		json_put_flag(&json, "serves", verdict->serves);
		json_put_flag(&json, "checked", verdict->checked);
		json_put_text(&json, "why", verdict->why);
		json_put_text(&json, "mend", verdict->mend[0] ? verdict->mend : NULL);
		json_close(&json);
	}
	json_close(&json);
	json_put_text(&json, "served_by", explain_find_result(ex));
	json_close(&json);
}

static int explain_main(int argc, char **argv)
{
	static struct policy pol;
	static struct explanation ex;
	struct explain_options options;
	unsigned int errors;
	int status;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return command_help(&cmd_explain);
	status = explain_parse(argc, argv, &options);
	if (status)
		return status;
	ex = (struct explanation){ .options = &options, .pol = &pol };
	errors = config_load(&pol, &options.source, ex.file, config_print_error, stderr);
	policy_finish(&pol, options.exe);
	ex.decision = policy_decide(&pol, &options.req);
	if (ex.decision.rule >= 0)
		ex.rule = &pol.rule[ex.decision.rule];
	ex.count = verdict_list(&options.req, &ex.decision, ex.verdict);
	if (options.json)
		explain_print_json(&ex);
	else
		explain_print_text(&ex);
	return errors ? STATUS_FAILED : STATUS_DONE;
}

const struct command cmd_explain = {
	.name = "explain",
	.args = "--size SIZE [--call NAME] [--align SIZE] [--exe NAME] [--policy RULES] "
		"[--conf FILE] [--json]",
	.line = "say what would become of one request, and why",
	.options =
		"  --size SIZE      bytes asked for: 64M, 1.5G\n"
		"  --call NAME      the function that asks: malloc (as without it), calloc,\n"
		"                   realloc, memalign, posix_memalign, aligned_alloc, valloc,\n"
		"                   pvalloc, new, mmap, mmap-shared\n"
		"  --align SIZE     the alignment asked for\n"
		"  --exe NAME       the program that asks, by its base name\n"
		"  --policy RULES   as CONTIG_POLICY\n"
		"  --conf FILE      as CONTIG_CONF\n"
		"  --json           as JSON\n"
		"\n"
		"Says what the machine would do now; nothing is allocated.\n"
		"exit status: 0 done, 1 done but the policy has errors, 2 used wrongly\n",
	.run = explain_main,
};
