/* SPDX-License-Identifier: MIT */
/* For tests of policy/: keeps the errors that a reading reports. */
#ifndef TESTS_UNIT_POLICY_COLLECT_H
#define TESTS_UNIT_POLICY_COLLECT_H

#include "check.h"
#include "policy.h"

#include <string.h>

#define COLLECT_ERRORS 8

struct collect {
	unsigned int count;	/* all of them; the first COLLECT_ERRORS are kept */
	struct {
		char file[96], key[96], text[96], expected[256];
		unsigned int line;
	} error[COLLECT_ERRORS];
};

static inline void collect_copy(char *out, size_t bytes, const char *text)
{
	snprintf(out, bytes, "%s", text ? text : "(none)");
}

static inline void collect_error(const struct policy_error *error, void *arg)
{
	struct collect *all = arg;
	unsigned int i = all->count++;

	CHECK(error->text && strlen(error->text) <= 64);
	CHECK(error->expected && error->expected[0]);
	for (const char *c = error->text; *c; c++)
		CHECK(*c >= ' ' && *c <= '~');
	if (i >= COLLECT_ERRORS)
		return;
	collect_copy(all->error[i].file, sizeof(all->error[i].file), error->file);
	collect_copy(all->error[i].key, sizeof(all->error[i].key), error->key);
	collect_copy(all->error[i].text, sizeof(all->error[i].text), error->text);
	collect_copy(all->error[i].expected, sizeof(all->error[i].expected), error->expected);
	all->error[i].line = error->line;
}

/* The only error was at @line, of @key ("(none)" for none), and its advice contains @expected. */
static inline int collect_is_one(const struct collect *all, unsigned int line, const char *key,
				 const char *expected)
{
	if (all->count == 1 && all->error[0].line == line && !strcmp(all->error[0].key, key) &&
	    strstr(all->error[0].expected, expected))
		return 1;
	fprintf(stderr, "%u errors, wanted one at %u: %s: %s\n", all->count, line, key, expected);
	for (unsigned int i = 0; i < all->count && i < COLLECT_ERRORS; i++)
		fprintf(stderr, "  %s:%u: %s: found `%s', expected %s\n", all->error[i].file,
			all->error[i].line, all->error[i].key, all->error[i].text,
			all->error[i].expected);
	return 0;
}

/* A fresh policy from the text of a file. Return: what was wrong. */
static inline struct collect collect_conf_bytes(struct policy *pol, const char *text,
						size_t bytes)
{
	struct collect all = { .count = 0 };
	unsigned int errors;

	policy_init(pol);
	errors = policy_read_conf(pol, "test.conf", text, bytes, collect_error, &all);
	CHECK(errors == all.count);
	return all;
}

static inline struct collect collect_conf(struct policy *pol, const char *text)
{
	return collect_conf_bytes(pol, text, strlen(text));
}

/* The same from a CONTIG_POLICY. */
static inline struct collect collect_rules(struct policy *pol, const char *text)
{
	struct collect all = { .count = 0 };
	unsigned int errors;

	policy_init(pol);
	errors = policy_read_rules(pol, text, collect_error, &all);
	CHECK(errors == all.count);
	return all;
}

#endif
