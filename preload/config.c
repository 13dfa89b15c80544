/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "log.h"
#include "sys.h"

/* Guarded by: config_read() is called once. */
static char text[POLICY_FILE_BYTES];
static char *no_environ[] = { NULL };

static void report(const struct policy_error *error, void *arg)
{
	struct log_line line;

	(void)arg;
	log_begin(&line);
	log_text(&line, error->file ? error->file : "settings");
	if (error->line) {
		log_text(&line, ":");
		log_count(&line, error->line);
	}
	if (error->key) {
		log_text(&line, ": ");
		log_text(&line, error->key);
	}
	if (error->text) {
		log_text(&line, ": found \"");
		log_text(&line, error->text);
		log_text(&line, "\"");
	}
	log_text(&line, ", expected ");
	log_text(&line, error->expected);
	log_text(&line, " (contig check shows every error)");
	log_end(&line);
}

static const char *variable(char *const *env, const char *name)
{
	size_t length = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, length) && (*env)[length] == '=')
			return *env + length + 1;
	return NULL;
}

/* The file that counts: the one that is named, or the first of two that exists. */
static const char *find_file(char *const *env, char path[static PATH_MAX])
{
	const char *named = variable(env, "CONTIG_CONF");
	const char *home = variable(env, "XDG_CONFIG_HOME");

	if (named && *named)
		return named;
	if (home && *home && strlen(home) < PATH_MAX - sizeof("/contig.conf")) {
		strcpy(path, home);
		strcat(path, "/contig.conf");
		if (sys_exists(path))
			return path;
	}
	return sys_exists("/etc/contig.conf") ? "/etc/contig.conf" : NULL;
}

static void say_unreadable(const char *file, ssize_t why)
{
	struct log_line line;

	log_begin(&line);
	log_text(&line, file);
	if (why == -EFBIG) {
		log_text(&line, ": longer than ");
		log_bytes(&line, sizeof(text));
	} else if (why == -EINVAL) {
		log_text(&line, ": not a regular file");
	} else {
		log_text(&line, ": cannot be read, error ");
		log_count(&line, (uint64_t)-why);
	}
	log_text(&line, "; the program runs on without it");
	log_end(&line);
}

static void read_file(struct policy *pol, char *const *env)
{
	char path[PATH_MAX];
	const char *file = find_file(env, path);
	ssize_t length;

	if (!file)
		return;
	length = sys_read_regular(file, text, sizeof(text));
	if (length < 0)
		say_unreadable(file, length);
	else
		policy_read_conf(pol, file, text, (size_t)length, report, NULL);
}

static bool says_yes(const char *value)
{
	return value && *value && strcmp(value, "0") && strcmp(value, "no") &&
	       strcmp(value, "false") && strcmp(value, "off");
}

const char *config_read(struct policy *pol, const char *exe)
{
	char *const *env = getauxval(AT_SECURE) || !environ ? no_environ : environ;
	const char *rules = variable(env, "CONTIG_POLICY");

	policy_init(pol);
	if (says_yes(variable(env, "CONTIG_DISABLE"))) {
		policy_finish(pol, exe);
		return "CONTIG_DISABLE is set";
	}
	read_file(pol, env);
	if (rules)
		policy_read_rules(pol, rules, report, NULL);
	policy_read_env(pol, env, report, NULL);
	policy_finish(pol, exe);
	if (!policy_serves(pol, exe))
		return "serve or leave says so";
	return NULL;
}

/* Is this entry of LD_PRELOAD us? Compared by base name: paths can be spelt in many ways. */
static bool is_us(const char *entry, size_t length)
{
	const char *name = entry + length;
	size_t name_length;
	Dl_info info;
	const char *ours;

	if (!dladdr(&text, &info) || !info.dli_fname)
		return false;
	ours = strrchr(info.dli_fname, '/') ? strrchr(info.dli_fname, '/') + 1 : info.dli_fname;
	while (name > entry && name[-1] != '/')
		name--;
	name_length = (size_t)(entry + length - name);
	return strlen(ours) == name_length && !strncmp(ours, name, name_length);
}

void config_forget_preload(void)
{
	char *entry = getenv("LD_PRELOAD");

	while (entry && *entry) {
		size_t length = strcspn(entry, ": ");
		size_t skip = length + strspn(entry + length, ": ");

		if (is_us(entry, length))
			memmove(entry, entry + skip, strlen(entry + skip) + 1);
		else
			entry += skip;
	}
}
