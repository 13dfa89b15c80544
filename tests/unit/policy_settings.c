/* SPDX-License-Identifier: MIT */
#include "policy_collect.h"

static struct collect settings_read(struct policy *pol, const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "[process]\n%s\n", line);
	return collect_conf(pol, text);
}

static unsigned int settings_index(const char *name)
{
	unsigned int i = 0;

	while (i < policy_setting_count() && strcmp(policy_setting(i).name, name))
		i++;
	CHECK(i < policy_setting_count());
	return i;
}

static void defaults_are_those_of_the_house(void)
{
	struct policy pol;

	policy_init(&pol);
	CHECK(pol.settings.threshold == MIB);
	CHECK(pol.settings.retain == 256 * MIB);
	CHECK(pol.settings.decay == 10000);
	CHECK(pol.settings.heap == HEAP_JEMALLOC);
	CHECK(pol.settings.fork == FORK_AUTO);
	CHECK(!pol.settings.stats[0]);
	CHECK(pol.settings.log == LOG_QUIET);
	CHECK(pol.settings.children);
	CHECK(pol.settings.serve.count == 0 && pol.settings.leave.count == 0);
}

static const struct {
	const char *line, *key, *value;	/* value: as policy_setting_value() shows it */
} settings_good[] = {
	{ "threshold = 64K", "threshold", "64K" },
	{ "threshold = 64G", "threshold", "64G" },
	{ "retain=0", "retain", "0" },
	{ "retain = 1.5G", "retain", "1.5G" },
	{ "retain    = 256M          ; kept for reuse; decay = 10s", "retain", "256M" },
	{ "decay = 0", "decay", "0" },
	{ "decay = 0s", "decay", "0" },
	{ "decay = 500ms", "decay", "500ms" },
	{ "decay = 10s", "decay", "10s" },
	{ "decay = 90s", "decay", "90s" },
	{ "decay = 60m", "decay", "60m" },
	{ "decay = 3600000ms", "decay", "60m" },
	{ "heap = jemalloc ; or thp, hugetlb: small objects", "heap", "jemalloc" },
	{ "heap = thp", "heap", "thp" },
	{ "heap = hugetlb", "heap", "hugetlb" },
	{ "fork = auto", "fork", "auto" },
	{ "fork = kernel", "fork", "kernel" },
	{ "fork = snapshot", "fork", "snapshot" },
	{ "fork = dontfork", "fork", "dontfork" },
	{ "stats =", "stats", "" },
	{ "stats = text", "stats", "text" },
	{ "stats = json", "stats", "json" },
	{ "stats = text:/var/log/%e.%p", "stats", "text:/var/log/%e.%p" },
	{ "stats = json:a:b=c", "stats", "json:a:b=c" },
	{ "log = quiet", "log", "quiet" },
	{ "log = warn", "log", "warn" },
	{ "log = info", "log", "info" },
	{ "children = yes", "children", "yes" }, { "children = no", "children", "no" },
	{ "children = true", "children", "yes" }, { "children = false", "children", "no" },
	{ "children = on", "children", "yes" }, { "children = off", "children", "no" },
	{ "children = 1", "children", "yes" }, { "children = 0", "children", "no" },
	{ "serve = ib_*, ucx_?", "serve", "ib_*,ucx_?" },
	{ "serve =", "serve", "" },
	{ "leave = bash", "leave", "bash" },
};

static void every_setting_takes_its_values(void)
{
	char value[POLICY_TEXT_BYTES];
	struct policy pol;

	for (size_t i = 0; i < sizeof(settings_good) / sizeof(settings_good[0]); i++) {
		struct collect all = settings_read(&pol, settings_good[i].line);
		unsigned int index = settings_index(settings_good[i].key);

		policy_setting_value(&pol.settings, index, value);
		if (!CHECK(!all.count) || !CHECK(!strcmp(value, settings_good[i].value)))
			fprintf(stderr, "  %s: %s\n", settings_good[i].line, value);
	}
}

static const struct {
	const char *line, *key, *expected;
} settings_bad[] = {
	{ "threshold = 64Q", "threshold", "64K to 64G" },
	{ "threshold = -1", "threshold", "64K to 64G" },
	{ "threshold = 1e99", "threshold", "64K to 64G" },
	{ "threshold =", "threshold", "64K to 64G" },
	{ "threshold = 63K", "threshold", "64K to 64G" },
	{ "threshold = 65G", "threshold", "64K to 64G" },
	{ "threshold = 1M # no comment", "threshold", "64K to 64G" },
	{ "retain = 99999999999999999999G", "retain", "0 to 1T" },
	{ "retain = 1025G", "retain", "0 to 1T" },
	{ "decay = 10", "decay", "500ms" },
	{ "decay = 1h", "decay", "500ms" },
	{ "decay = s", "decay", "500ms" },
	{ "decay = 1.5s", "decay", "500ms" },
	{ "decay = 61m", "decay", "0 to 60m" },
	{ "decay = 99999999999999999999m", "decay", "0 to 60m" },
	{ "decay = 99999999999999999m", "decay", "0 to 60m" },
	{ "heap = glibc", "heap", "jemalloc | thp | hugetlb" },
	{ "heap =", "heap", "jemalloc" },
	{ "heap = jemalloc thp", "heap", "jemalloc" },
	{ "fork = never", "fork", "auto | kernel | snapshot | dontfork" },
	{ "log = loud", "log", "quiet | warn | info" },
	{ "children = maybe", "children", "yes | no" },
	{ "children =", "children", "yes | no" },
	{ "stats = xml", "stats", "json:FILE" },
	{ "stats = json:", "stats", "json:FILE" },
	{ "stats = jsonx:FILE", "stats", "json:FILE" },
	{ "serve = a,,b", "serve", "1 to 31" },
	{ "serve = a,", "serve", "1 to 31" },
	{ "leave = 12345678901234567890123456789012", "leave", "1 to 31" },
	{ "leave = /bin/sh", "leave", "base name" },
	{ "leave = a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "leave", "at most 16" },
	{ "treshold = 1M", "treshold", "threshold?" },
	{ "Threshold = 1M", "Threshold", "threshold?" },
	{ "size = 1M", "size", "one of these keys: threshold retain" },
	{ "= 1M", "", "one of these keys" },
};

static void a_wrong_value_is_named_and_changes_nothing(void)
{
	struct policy pol, preset;

	policy_init(&preset);
	for (size_t i = 0; i < sizeof(settings_bad) / sizeof(settings_bad[0]); i++) {
		struct collect all = settings_read(&pol, settings_bad[i].line);

		CHECK(collect_is_one(&all, 2, settings_bad[i].key, settings_bad[i].expected));
		CHECK(!memcmp(&pol.settings, &preset.settings, sizeof(pol.settings)));
	}
}

static void of_a_key_given_twice_the_first_counts(void)
{
	struct policy pol;
	struct collect all = settings_read(&pol, "retain = 1M\nretain = 2M");

	CHECK(collect_is_one(&all, 3, "retain", "once"));
	CHECK(pol.settings.retain == MIB);
}

static void the_table_tells_each_default(void)
{
	char value[POLICY_TEXT_BYTES];
	struct policy pol;

	policy_init(&pol);
	CHECK(policy_setting_count() == 10);
	for (unsigned int i = 0; i < policy_setting_count(); i++) {
		struct policy_key key = policy_setting(i);

		CHECK(key.help[0] && key.values[0]);
		CHECK(!strcmp(policy_setting_value(&pol.settings, i, value), key.preset));
	}
	CHECK(!strcmp(policy_setting(settings_index("threshold")).preset, "1M"));
	CHECK(!strcmp(policy_setting(settings_index("decay")).preset, "10s"));
	CHECK(!strcmp(policy_setting(settings_index("children")).preset, "yes"));
	CHECK(!strcmp(policy_setting(settings_index("heap")).values, "jemalloc | thp | hugetlb"));
}

int main(void)
{
	defaults_are_those_of_the_house();
	every_setting_takes_its_values();
	a_wrong_value_is_named_and_changes_nothing();
	of_a_key_given_twice_the_first_counts();
	the_table_tells_each_default();
	return check_result();
}
