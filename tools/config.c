/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int config_find(char out[static PATH_MAX])
{
	const char *conf = secure_getenv("CONTIG_CONF");
	const char *home = secure_getenv("XDG_CONFIG_HOME");

	if (conf && conf[0]) {
		snprintf(out, PATH_MAX, "%s", conf);
		return 0;
	}
	if (home && home[0]) {
		snprintf(out, PATH_MAX, "%s/contig.conf", home);
		if (!access(out, F_OK))
			return 0;
	}
	snprintf(out, PATH_MAX, "/etc/contig.conf");
	if (!access(out, F_OK))
		return 0;
	out[0] = '\0';
	return -ENOENT;
}

/* Up to @room bytes of @fd, if it is a regular file. Return: bytes, or -1 and @what in words. */
static ssize_t config_read_fd(int fd, char *text, size_t room, const char **what)
{
	struct stat st;
	size_t used = 0;
	ssize_t got = 1;

	if (fstat(fd, &st)) {
		*what = strerror(errno);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		*what = S_ISDIR(st.st_mode) ? "a directory" : "a device, pipe or socket";
		return -1;
	}
	while (used < room && got) {
		got = read(fd, text + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			*what = strerror(errno);
			return -1;
		}
		used += (size_t)got;
	}
	return (ssize_t)used;
}

unsigned int config_read(const char *path, char **text, size_t *bytes, policy_error_fn *report,
			 void *arg)
{
	struct policy_error error = {
		.file = path, .expected = "a readable regular file of at most 64 KiB",
	};
	char *buffer = malloc(POLICY_FILE_BYTES + 1);
	ssize_t got = -1;
	int fd;

	/* Neither flag changes a regular file; a FIFO or a terminal would hold us without them. */
	fd = buffer ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
	if (fd < 0) {
		error.text = strerror(errno);
	} else {
		got = config_read_fd(fd, buffer, POLICY_FILE_BYTES + 1, &error.text);
		close(fd);
	}
	if (got > (ssize_t)POLICY_FILE_BYTES) {
		error.text = "more than 64 KiB";
		got = -1;
	}
	if (got < 0) {
		report(&error, arg);
		free(buffer);
		return 1;
	}
	*text = buffer;
	*bytes = (size_t)got;
	return 0;
}

unsigned int config_load(struct policy *pol, const struct config_source *source,
			 char path[static PATH_MAX], policy_error_fn *report, void *arg)
{
	const char *rules = source->rules ? source->rules : secure_getenv("CONTIG_POLICY");
	unsigned int errors = 0;
	size_t bytes = 0;
	char *text = NULL;

	policy_init(pol);
	if (source->conf)
		snprintf(path, PATH_MAX, "%s", source->conf);
	if (source->conf || !config_find(path)) {
		errors += config_read(path, &text, &bytes, report, arg);
		if (text)
			errors += policy_read_conf(pol, path, text, bytes, report, arg);
		free(text);
	}
	if (rules && (source->environment || source->rules))
		errors += policy_read_rules(pol, rules, report, arg);
	if (source->environment)
		errors += policy_read_env(pol, environ, report, arg);
	return errors;
}

bool config_is_disabled(void)
{
	static const char *const no[] = { "", "0", "no", "false", "off" };
	const char *value = secure_getenv("CONTIG_DISABLE");

	for (size_t i = 0; value && i < sizeof(no) / sizeof(no[0]); i++)
		if (!strcmp(value, no[i]))
			return false;
	return value;
}

/* A file's name may hold anything; an error stays on its one line. */
static void config_print_printable(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

void config_print_error(const struct policy_error *error, void *arg)
{
	FILE *out = arg;

	config_print_printable(error->file ? error->file : "contig.conf", out);
	if (error->line)
		fprintf(out, ":%u", error->line);
	fputs(": ", out);
	if (error->key) {
		config_print_printable(error->key, out);
		fputs(": ", out);
	}
	if (error->text) {
		fputs("found \"", out);
		config_print_printable(error->text, out);
		fputs("\", ", out);
	}
	fprintf(out, "expected %s\n", error->expected);
}
