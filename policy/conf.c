/* SPDX-License-Identifier: MIT */
/*
 * contig.conf. libinih splits keys from values; what it would swallow, split or carry over to
 * another section never reaches it: conf_read_line() is its reader, and hands it whole, checked,
 * unindented lines, and empty ones in place of what was reported. Unindented also means that
 * libinih never takes a line for the continuation of the one before.
 */
#include "report.h"
#include "rules.h"
#include "settings.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

#define CONF_SECTIONS "[process] or [rule NAME]"

enum conf_section {
	CONF_NONE,	/* before the first header */
	CONF_PROCESS,
	CONF_RULE,
	CONF_SKIP	/* behind a header that was reported */
};

struct conf {
	struct policy *pol;
	struct reporter to;
	struct slice rest;	/* ->at NULL: at the end */
	unsigned int line;	/* of what libinih has in hand */
	bool pending;		/* libinih has a line that it has not answered with a key yet */
	enum conf_section section;
	bool process_seen;
	uint32_t settings_seen;	/* one bit each */
	struct rules_draft draft;
	unsigned int rules;	/* headers of rules seen, also of those dropped */
	char rule_name[POLICY_RULES][POLICY_NAME_BYTES];
};

static void conf_reject(struct conf *conf, const char *key, struct slice found,
			const char *expected)
{
	report_error(&conf->to, conf->line, key, found, expected);
	conf->draft.wrong = true;	/* of the next rule, if in none: rules_begin() clears it */
}

static void conf_end_section(struct conf *conf)
{
	if (conf->section == CONF_RULE)
		rules_end(&conf->draft, &conf->to, conf->pol, conf->pol->count - 2);
	conf->section = CONF_SKIP;
}

static bool conf_rule_seen(const struct conf *conf, const char *name)
{
	for (unsigned int i = 0; i < conf->rules; i++)
		if (!strcmp(conf->rule_name[i], name))
			return true;
	return false;
}

static void conf_begin_rule(struct conf *conf, struct slice header, struct slice name)
{
	char word[POLICY_NAME_BYTES];
	int ret = slice_copy_word(name, word, sizeof(word));

	if (ret == -ENAMETOOLONG) {
		report_above(&conf->to, conf->line, header, sizeof(word) - 1, "bytes in a name");
	} else if (ret) {
		conf_reject(conf, NULL, header, "[rule NAME], of letters, digits, - _ .");
	} else if (conf_rule_seen(conf, word)) {
		conf_reject(conf, NULL, header, "each rule name once");
	} else if (conf->rules == POLICY_RULES) {
		report_above(&conf->to, conf->line, header, POLICY_RULES, "rules");
	} else {
		rules_begin(&conf->draft);
		conf->draft.rule.line = conf->line;
		memcpy(conf->draft.rule.name, word, sizeof(word));
		memcpy(conf->rule_name[conf->rules++], word, sizeof(word));
		conf->section = CONF_RULE;
	}
}

/* A line that begins with `[`. */
static void conf_begin_section(struct conf *conf, struct slice line)
{
	struct slice inside, behind, name;

	conf_end_section(conf);
	if (!slice_split(line, "]", &inside, &behind)) {
		conf_reject(conf, NULL, line, "a section that ends in ]");
		return;
	}
	behind = slice_trim(behind);
	if (behind.bytes && behind.at[0] != ';' && behind.at[0] != '#') {
		conf_reject(conf, NULL, line, "nothing behind the ] of a section");
		return;
	}
	inside = slice_trim((struct slice){ inside.at + 1, inside.bytes - 1 });
	if (slice_is(inside, "process")) {
		if (conf->process_seen) {
			conf_reject(conf, NULL, line, "[process] once");
			return;
		}
		conf->process_seen = true;
		conf->section = CONF_PROCESS;
	} else if (slice_starts(inside, "rule", &name) &&
		   (!name.bytes || slice_is_space(name.at[0]))) {
		conf_begin_rule(conf, line, slice_trim(name));
	} else {
		conf_reject(conf, NULL, line, CONF_SECTIONS);
	}
}

/* Has it a `=` that libinih will find, before any inline comment? */
static bool conf_has_value(struct slice line)
{
	for (size_t i = 0; i < line.bytes; i++) {
		if (line.at[i] == '=')
			return true;
		if (line.at[i] == ':' ||
		    (line.at[i] == ';' && i && slice_is_space(line.at[i - 1])))
			return false;
	}
	return false;
}

/* Return: is it for libinih? */
static bool conf_check_line(struct conf *conf, struct slice line, size_t room)
{
	if (line.bytes > POLICY_LINE_BYTES || line.bytes >= room) {
		report_above(&conf->to, conf->line, line, POLICY_LINE_BYTES, "bytes in a line");
		conf->draft.wrong = true;
		return false;
	}
	line = slice_trim(line);
	if (!line.bytes || line.at[0] == ';' || line.at[0] == '#')
		return false;
	if (line.at[0] == '[') {
		conf_begin_section(conf, line);
		return false;
	}
	if (!conf_has_value(line)) {
		conf_reject(conf, NULL, line, "key = value");
		return false;
	}
	return true;
}

static void conf_expect_answer(struct conf *conf)
{
	if (conf->pending)
		conf_reject(conf, NULL, slice_of(""), "key = value, in plain text");
	conf->pending = false;
}

/* libinih's fgets(). */
static char *conf_read_line(char *out, int bytes, void *stream)
{
	struct conf *conf = stream;
	struct slice line;

	conf_expect_answer(conf);
	if (!conf->rest.at || bytes < 1)
		return NULL;
	if (!slice_split(conf->rest, "\n", &line, &conf->rest)) {
		line = conf->rest;
		conf->rest.at = NULL;
	}
	conf->line++;
	out[0] = '\0';
	if (conf_check_line(conf, line, (size_t)bytes)) {
		line = slice_trim(line);
		memcpy(out, line.at, line.bytes);
		out[line.bytes] = '\0';
		conf->pending = true;
	}
	return out;
}

static void conf_take_setting(struct conf *conf, struct slice key, struct slice value)
{
	char buffer[REPORT_EXPECTED_BYTES];
	struct text expected = text_in(buffer, sizeof(buffer));
	int index = settings_find(key);

	if (index < 0) {
		report_unknown(&conf->to, conf->line, key, settings_name, policy_setting_count());
		return;
	}
	if (conf->settings_seen & 1u << index) {
		conf_reject(conf, settings_name((unsigned int)index), value, "each key once");
		return;
	}
	conf->settings_seen |= 1u << index;
	if (settings_set(&conf->pol->settings, (unsigned int)index, value, &expected))
		conf_reject(conf, settings_name((unsigned int)index), value, buffer);
}

/* libinih's handler. Return: 1, it may go on. */
static int conf_take(void *arg, const char *section, const char *name, const char *text)
{
	struct conf *conf = arg;
	struct slice key = slice_of(name), value = slice_of(text);

	conf->pending = false;
	switch (conf->section) {
	case CONF_NONE:
		conf_reject(conf, NULL, key, CONF_SECTIONS " before the first key");
		break;
	case CONF_PROCESS:
		conf_take_setting(conf, key, value);
		break;
	case CONF_RULE:
		rules_take(&conf->draft, &conf->to, conf->line, key, value, ',');
		break;
	case CONF_SKIP:
		break;
	}
	return 1;
}

/* Return: is it worth reading line by line? */
static bool conf_is_text(struct conf *conf)
{
	const char *nul;

	if (conf->rest.bytes > POLICY_FILE_BYTES) {
		report_above(&conf->to, 0, slice_of(""), POLICY_FILE_BYTES, "bytes in the file");
		return false;
	}
	nul = memchr(conf->rest.at, '\0', conf->rest.bytes);
	if (!nul)
		return true;
	conf->line = 1;
	for (const char *c = conf->rest.at; c < nul; c++)
		conf->line += *c == '\n';
	report_error(&conf->to, conf->line, NULL, (struct slice){ nul, 1 },
		     "text: a NUL byte is in no line of it");
	return false;
}

unsigned int policy_read_conf(struct policy *pol, const char *file, const char *text, size_t bytes,
			      policy_error_fn *report, void *arg)
{
	struct conf conf = {
		.pol = pol,
		.to = { .report = report, .arg = arg, .file = file },
		.rest = { text, bytes },
	};

	if (!bytes || !conf_is_text(&conf))
		return conf.to.errors;
	slice_starts(conf.rest, "\xef\xbb\xbf", &conf.rest);	/* what some editors put first */
	if (ini_parse_stream(conf_read_line, &conf, conf_take, &conf) < 0)
		report_error(&conf.to, 0, NULL, slice_of(""), "a libinih that needs no memory");
	conf_end_section(&conf);
	return conf.to.errors;
}
