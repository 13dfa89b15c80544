/* SPDX-License-Identifier: MIT */
#include "library.h"
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATIC_TLS_KEY		"glibc.rtld.optional_static_tls="
#define STATIC_TLS_BYTES	16384

#if defined(__x86_64__)
#define LIBRARY_TRIPLE "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define LIBRARY_TRIPLE "aarch64-linux-gnu"
#else
#define LIBRARY_TRIPLE "."
#endif

/* The path of this program. Without /proc, as it was called: enough for a path with a slash. */
static int library_find_self(char out[static PATH_MAX])
{
	ssize_t bytes = readlink("/proc/self/exe", out, PATH_MAX - 1);
	const char *called;

	if (bytes > 0) {
		out[bytes] = '\0';
		return 0;
	}
	called = (const char *)getauxval(AT_EXECFN);
	if (!called || !realpath(called, out))
		return -ENOENT;
	return 0;
}

int library_find(char out[static PATH_MAX])
{
	static const char *const place[] = { ".", "../lib", ("../lib/" LIBRARY_TRIPLE) };
	char self[PATH_MAX], path[PATH_MAX + 64], found[PATH_MAX];
	int ret = library_find_self(self);

	if (ret)
		return ret;
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s/" LIBRARY_NAME, self, place[i]);
		if (realpath(path, found)) {
			memcpy(out, found, strlen(found) + 1);
			return 0;
		}
	}
	return -ENOENT;
}

/* GLIBC_TUNABLES with our tunable, unless a larger one stands there already. */
static int library_ask_static_tls(void)
{
	const char *old = getenv("GLIBC_TUNABLES");
	char *text, *copy, *save = NULL;
	size_t bytes = (old ? strlen(old) : 0) + sizeof(STATIC_TLS_KEY) + 24;
	unsigned long want = STATIC_TLS_BYTES;
	int ret;

	text = calloc(1, bytes);
	copy = strdup(old ? old : "");
	if (!text || !copy) {
		free(text);
		free(copy);
		return -ENOMEM;
	}
	for (char *item = strtok_r(copy, ":", &save); item; item = strtok_r(NULL, ":", &save)) {
		if (!strncmp(item, STATIC_TLS_KEY, strlen(STATIC_TLS_KEY))) {
			unsigned long there = strtoul(item + strlen(STATIC_TLS_KEY), NULL, 0);

			want = there > want ? there : want;
			continue;
		}
		strcat(text, item);
		strcat(text, ":");
	}
	snprintf(text + strlen(text), bytes - strlen(text), STATIC_TLS_KEY "%lu", want);
	ret = setenv("GLIBC_TUNABLES", text, 1) ? -ENOMEM : 0;
	free(copy);
	free(text);
	return ret;
}

int library_preload(const char *path)
{
	const char *old = getenv("LD_PRELOAD");
	const char *audit = getenv("LD_AUDIT");
	size_t length = strlen(path);
	char *text;
	int ret = 0;

	if (strpbrk(path, ": \t\n$"))
		return -EINVAL;
	if (audit && audit[0])
		ret = library_ask_static_tls();
	if (ret)
		return ret;
	if (old && !strncmp(old, path, length) && (!old[length] || strchr(": ", old[length])))
		return 0;
	if (asprintf(&text, "%s%s%s", path, old && old[0] ? ":" : "", old ? old : "") < 0)
		return -ENOMEM;
	ret = setenv("LD_PRELOAD", text, 1) ? -ENOMEM : 0;
	free(text);
	return ret;
}

/* Context: the child of a fork. Does not return. */
static void library_run_probe(const char *self, const char *path, int err_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd >= 0) {
		dup2(null_fd, STDIN_FILENO);
		dup2(null_fd, STDOUT_FILENO);
	}
	dup2(err_fd, STDERR_FILENO);
	setenv("CONTIG_DISABLE", "1", 1);
	execl(self, "contig", LIBRARY_PROBE, path, (char *)NULL);
	_exit(STATUS_NOT_EXECUTABLE);
}

/* The first line that comes from @fd; the rest is read too, so that its writer can end. */
static void library_read_line(int fd, char *line, size_t line_bytes)
{
	char more[512];
	size_t used = 0;
	ssize_t got;

	while ((got = read(fd, more, sizeof(more))) > 0 || (got < 0 && errno == EINTR))
		for (ssize_t i = 0; i < got && used < line_bytes - 1; i++)
			line[used++] = more[i];
	line[used] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

int library_try(const char *path, char *why, size_t why_bytes)
{
	char self[PATH_MAX];
	int pipe_fd[2], status = 0;
	int ret = library_find_self(self);
	pid_t pid;

	if (ret)
		return ret;
	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		ret = -errno;
		close(pipe_fd[0]);
		close(pipe_fd[1]);
		return ret;
	}
	if (!pid)
		library_run_probe(self, path, pipe_fd[1]);
	close(pipe_fd[1]);
	library_read_line(pipe_fd[0], why, why_bytes);
	close(pipe_fd[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (!why[0])
		snprintf(why, why_bytes, "the trial ended with status 0x%x and said nothing",
			 (unsigned int)status);
	return -ENOEXEC;
}

static int library_compare_object(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	const struct stat *want = arg;
	struct stat st;

	if (!info->dlpi_name[0] || stat(info->dlpi_name, &st))
		return 0;
	return st.st_dev == want->st_dev && st.st_ino == want->st_ino;
}

int library_probe(const char *path)
{
	struct stat want;

	if (stat(path, &want))
		return STATUS_FAILED;
	return dl_iterate_phdr(library_compare_object, &want) ? STATUS_DONE : STATUS_FAILED;
}
