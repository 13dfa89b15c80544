/* SPDX-License-Identifier: MIT */
#include "policy_collect.h"

#include <stdlib.h>

static struct collect env_read(struct policy *pol, char *const *environ)
{
	struct collect all = { .count = 0 };
	unsigned int errors = policy_read_env(pol, environ, collect_error, &all);

	CHECK(errors == all.count);
	return all;
}

static void every_setting_has_its_variable_and_it_beats_the_file(void)
{
	char *environ[] = {
		"PATH=/bin", "CONTIG_THRESHOLD=2M", "CONTIG_RETAIN= 3M ", "CONTIG_DECAY=4s",
		"CONTIG_HEAP=thp", "CONTIG_FORK=kernel", "CONTIG_STATS=json:/tmp/%e=%p",
		"CONTIG_LOG=info", "CONTIG_CHILDREN=no", "CONTIG_SERVE=a,b", "CONTIG_LEAVE=c*",
		NULL,
	};
	struct policy pol;

	CHECK(!collect_conf(&pol, "[process]\nthreshold = 1M\nretain = 1M\nlog = warn\n").count);
	CHECK(!env_read(&pol, environ).count);
	CHECK(pol.settings.threshold == 2 * MIB && pol.settings.retain == 3 * MIB);
	CHECK(pol.settings.decay == 4000 && pol.settings.heap == HEAP_THP);
	CHECK(pol.settings.fork == FORK_KERNEL && pol.settings.log == LOG_INFO);
	CHECK(!strcmp(pol.settings.stats, "json:/tmp/%e=%p"));
	CHECK(!pol.settings.children);
	CHECK(pol.settings.serve.count == 2 && pol.settings.leave.count == 1);
}

static void what_is_not_a_setting_is_left_to_its_owner(void)
{
	char *environ[] = {
		"CONTIG_CONF=/etc/x", "CONTIG_POLICY=: thp", "CONTIG_DISABLE=1",
		"CONTIG_PROFILE=x", "CONTIGUOUS=1", "contig_retain=1M", "CONTIG_NO_VALUE",
		"XCONTIG_FOO=1", "", "=", NULL,
	};
	struct policy pol, preset;

	policy_init(&pol);
	policy_init(&preset);
	CHECK(!env_read(&pol, environ).count);
	CHECK(!memcmp(&pol, &preset, sizeof(pol)));
}

static void an_unknown_variable_is_named_once(void)
{
	char *environ[] = {
		"CONTIG_RETAINS=1M", "CONTIG_LOG=info", "CONTIG_RETAINS=2M", "CONTIG_RETAINS=1M",
		NULL,
	};
	struct policy pol;
	struct collect all;

	policy_init(&pol);
	all = env_read(&pol, environ);
	CHECK(collect_is_one(&all, 0, "(none)", "retain?"));
	CHECK(!strcmp(all.error[0].file, "CONTIG_RETAINS"));
	CHECK(pol.settings.log == LOG_INFO);
}

static void two_unknown_variables_are_two_errors(void)
{
	char *environ[] = { "CONTIG_X=", "CONTIG_log=info", "CONTIG_=", NULL };
	struct policy pol;
	struct collect all;

	policy_init(&pol);
	all = env_read(&pol, environ);
	CHECK(all.count == 3);
	CHECK(!strcmp(all.error[0].file, "CONTIG_X"));
	CHECK(!strcmp(all.error[1].file, "CONTIG_log"));
	CHECK(!strcmp(all.error[2].file, "CONTIG_"));
	CHECK(pol.settings.log == LOG_QUIET);
}

static void a_wrong_value_is_named_and_changes_nothing(void)
{
	static const struct {
		char *variable;
		const char *expected;
	} bad[] = {
		{ "CONTIG_RETAIN=64Q", "a size" }, { "CONTIG_RETAIN=-1", "a size" },
		{ "CONTIG_RETAIN=1e99", "a size" }, { "CONTIG_RETAIN=", "a size" },
		{ "CONTIG_DECAY=10", "a time" }, { "CONTIG_HEAP=x", "jemalloc" },
		{ "CONTIG_STATS=xml", "json" }, { "CONTIG_SERVE=,", "names" },
	};
	struct policy pol, preset;

	policy_init(&preset);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *environ[] = { bad[i].variable, NULL };
		struct collect all;

		policy_init(&pol);
		all = env_read(&pol, environ);
		CHECK(collect_is_one(&all, 0, "(none)", bad[i].expected));
		CHECK(!strncmp(all.error[0].file, bad[i].variable, strlen(all.error[0].file)));
		CHECK(!memcmp(&pol, &preset, sizeof(pol)));
	}
}

static void of_a_variable_given_twice_the_first_counts_as_with_getenv(void)
{
	char *environ[] = { "CONTIG_RETAIN=1M", "CONTIG_RETAIN=2M", "CONTIG_RETAIN=junk", NULL };
	struct policy pol;

	policy_init(&pol);
	CHECK(!env_read(&pol, environ).count);
	CHECK(pol.settings.retain == MIB);
}

static void a_text_may_have_255_bytes_and_no_more(void)
{
	char stats[300] = "CONTIG_STATS=text:", serve[300] = "CONTIG_SERVE=";
	char *environ[] = { stats, serve, NULL };
	struct policy pol;
	struct collect all;

	memset(stats + strlen(stats), 'x', 13 + 255 - strlen(stats));
	for (size_t i = strlen(serve); i < 13 + 255; i++)
		serve[i] = (i - 13) % 18 == 16 ? ',' : 'y';
	policy_init(&pol);
	CHECK(!env_read(&pol, environ).count);
	CHECK(strlen(pol.settings.stats) == 255);
	CHECK(pol.settings.serve.count == 15);
	for (unsigned int i = 0; i < policy_setting_count(); i++) {
		char value[POLICY_TEXT_BYTES];

		if (!strcmp(policy_setting(i).name, "serve"))
			CHECK(!strcmp(policy_setting_value(&pol.settings, i, value), serve + 13));
	}
	stats[13 + 255] = 'x';
	serve[13 + 255] = 'y';
	policy_init(&pol);
	all = env_read(&pol, environ);
	CHECK(all.count == 2 && strstr(all.error[0].expected, "at most 255"));
	CHECK(strstr(all.error[1].expected, "at most 255") != NULL);
	CHECK(!pol.settings.stats[0] && !pol.settings.serve.count);
}

static void a_million_digits_are_one_error(void)
{
	size_t digits = 1000000;
	char *variable = malloc(digits + 1);
	char *environ[] = { variable, NULL };
	struct policy pol;
	struct collect all;

	if (!CHECK(variable != NULL))
		return;
	memset(variable, '7', digits);
	memcpy(variable, "CONTIG_RETAIN=", 14);
	variable[digits] = '\0';
	policy_init(&pol);
	all = env_read(&pol, environ);
	CHECK(collect_is_one(&all, 0, "(none)", "a size"));
	CHECK(strlen(all.error[0].text) == 64);
	memset(variable + 7, 'A', digits - 7);	/* a name without end */
	variable[digits - 1] = '=';
	all = env_read(&pol, environ);
	CHECK(collect_is_one(&all, 0, "(none)", "no such variable"));
	free(variable);
}

int main(void)
{
	every_setting_has_its_variable_and_it_beats_the_file();
	what_is_not_a_setting_is_left_to_its_owner();
	an_unknown_variable_is_named_once();
	two_unknown_variables_are_two_errors();
	a_wrong_value_is_named_and_changes_nothing();
	of_a_variable_given_twice_the_first_counts_as_with_getenv();
	a_text_may_have_255_bytes_and_no_more();
	a_million_digits_are_one_error();
	return check_result();
}
