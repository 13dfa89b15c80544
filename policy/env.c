/* SPDX-License-Identifier: MIT */
#include "report.h"
#include "settings.h"

#include <string.h>

#define ENV_PREFIX	"CONTIG_"
#define ENV_NAME_BYTES	64	/* more than any of ours; a longer one is cut in its error */

/* These are read by whoever reads the environment. */
static const char *const env_callers[] = { "CONF", "POLICY", "DISABLE", "PROFILE" };

static char env_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool env_is_callers(struct slice name)
{
	for (size_t i = 0; i < sizeof(env_callers) / sizeof(env_callers[0]); i++)
		if (slice_is(name, env_callers[i]))
			return true;
	return false;
}

/* CONTIG_RETAIN is ours, CONTIG_retain is not: as every variable. */
static int env_find_setting(struct slice name)
{
	char lower[ENV_NAME_BYTES];

	if (name.bytes > sizeof(lower))
		return -1;
	for (size_t i = 0; i < name.bytes; i++) {
		lower[i] = env_lower(name.at[i]);
		if (lower[i] == name.at[i] && lower[i] >= 'a' && lower[i] <= 'z')
			return -1;
	}
	return settings_find((struct slice){ lower, name.bytes });
}

/* Splits CONTIG_NAME=value. Return: is it one? */
static bool env_split(const char *variable, struct slice *name, struct slice *value)
{
	struct slice rest;

	return !strncmp(variable, ENV_PREFIX, strlen(ENV_PREFIX)) &&
	       slice_split(slice_of(variable), "=", &rest, value) &&
	       slice_starts(rest, ENV_PREFIX, name);
}

/* An environment may hold a name twice; getenv() knows the first only, and so do we. */
static bool env_came_before(char *const *environ, char *const *variable, struct slice name)
{
	struct slice other, value;

	for (; environ < variable; environ++)
		if (env_split(*environ, &other, &value) && other.bytes == name.bytes &&
		    !memcmp(other.at, name.at, name.bytes))
			return true;
	return false;
}

static void env_report_unknown(struct reporter *to, struct slice name)
{
	char buffer[REPORT_EXPECTED_BYTES];
	struct text expected = text_in(buffer, sizeof(buffer));
	int nearest = report_nearest(name, settings_name, policy_setting_count());

	text_put(&expected, "no such variable");
	if (nearest >= 0) {
		text_put(&expected, "; did you mean that of the setting ");
		text_put(&expected, settings_name((unsigned int)nearest));
		text_put(&expected, "?");
	}
	report_error(to, 0, NULL, name, buffer);
}

static void env_take(struct policy *pol, struct reporter *to, struct slice name,
		     struct slice value)
{
	char variable[sizeof(ENV_PREFIX) + ENV_NAME_BYTES], buffer[REPORT_EXPECTED_BYTES];
	struct text expected = text_in(buffer, sizeof(buffer));
	struct text file = text_in(variable, sizeof(variable));
	int index = env_find_setting(name);

	text_put(&file, ENV_PREFIX);
	text_put_printable(&file, name);
	to->file = variable;
	value = slice_trim(value);
	if (index < 0)
		env_report_unknown(to, name);
	else if (settings_set(&pol->settings, (unsigned int)index, value, &expected))
		report_error(to, 0, NULL, value, buffer);
	to->file = NULL;
}

unsigned int policy_read_env(struct policy *pol, char *const *environ, policy_error_fn *report,
			     void *arg)
{
	struct reporter to = { .report = report, .arg = arg };
	struct slice name, value;

	for (char *const *variable = environ; *variable; variable++) {
		if (!env_split(*variable, &name, &value) || env_is_callers(name) ||
		    env_came_before(environ, variable, name))
			continue;
		env_take(pol, &to, name, value);
	}
	return to.errors;
}
