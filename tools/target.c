/* SPDX-License-Identifier: MIT */
#include "target.h"
#include "binary.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TARGET_SCRIPTS 5	/* the kernel follows so many interpreters, then says ELOOP */

static int target_check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	return S_ISREG(st.st_mode) && !access(path, X_OK) ? 0 : -EACCES;
}

int target_find(const char *command, char out[static PATH_MAX])
{
	const char *path = getenv("PATH");
	int ret = -ENOENT;

	if (!command[0])
		return -ENOENT;
	if (strchr(command, '/')) {
		snprintf(out, PATH_MAX, "%s", command);
		return target_check_executable(out);
	}
	/* An empty element is the current directory, and where PATH is not set these two are it. */
	for (path = path ? path : "/bin:/usr/bin";;) {
		int length = (int)strcspn(path, ":");
		int found;

		snprintf(out, PATH_MAX, "%.*s%s%s", length, path, length ? "/" : "", command);
		found = target_check_executable(out);
		if (!found)
			return 0;
		if (found == -EACCES)
			ret = -EACCES;
		if (!path[length])
			return ret;
		path += length + 1;
	}
}

/*
 * Will the kernel start it in secure-execution mode, in which ld.so drops LD_PRELOAD? Only where
 * the file gives something that its caller has not: root loses nothing by its own setuid files.
 */
static void target_check_secure(int fd, struct target *out)
{
	struct statvfs fs;
	struct stat st;

	if (fstat(fd, &st) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return;
	if (!fstatvfs(fd, &fs) && (fs.f_flag & ST_NOSUID))
		return;
	if ((st.st_mode & S_ISUID) && st.st_uid != getuid())
		snprintf(out->problem, sizeof(out->problem), "it is setuid");
	else if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getgid())
		snprintf(out->problem, sizeof(out->problem), "it is setgid");
	else if (getuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		snprintf(out->problem, sizeof(out->problem), "it has file capabilities");
	else
		return;
	strcat(out->problem, ", and the dynamic loader takes no preload for such a program");
}

static bool target_is_glibc_loader(const char *path)
{
	static const char *const known[] = { "ld-linux", "ld64.so", "ld.so", "ld-2." };
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(name, known[i], strlen(known[i])))
			return true;
	return false;
}

static void target_check_elf(const struct binary_headers *elf, const struct binary_headers *ours,
			     struct target *out)
{
	const char *machine = binary_machine_name(elf->machine);

	if (elf->class != ours->class || elf->machine != ours->machine) {
		snprintf(out->problem, sizeof(out->problem), "it is a %s-bit %s program",
			 elf->class == ELFCLASS32 ? "32" : "64", machine ? machine : "foreign");
		out->without_preload = true;
	} else if (!elf->interp[0] && !(elf->type == ET_DYN && target_is_glibc_loader(out->file))) {
		snprintf(out->problem, sizeof(out->problem),
			 "it is linked statically, and no dynamic loader runs for it");
	} else if (elf->interp[0] && !target_is_glibc_loader(elf->interp)) {
		snprintf(out->problem, sizeof(out->problem), "its loader %s is %s, not glibc's",
			 elf->interp, strstr(elf->interp, "musl") ? "musl's" : "another libc's");
		out->without_preload = true;
	}
}

/* The interpreter a file names with #!, or the shell for a text without. Return: is it a script. */
static bool target_follow_script(int fd, struct target *out)
{
	char head[PATH_MAX], *name;
	ssize_t got = pread(fd, head, sizeof(head) - 1, 0);

	if (got < 0)
		return false;
	head[got] = '\0';
	if (got < 2 || head[0] != '#' || head[1] != '!') {
		snprintf(out->file, sizeof(out->file), "/bin/sh");
		return true;
	}
	name = head + 2 + strspn(head + 2, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	snprintf(out->file, sizeof(out->file), "%s", name);
	return true;
}

static int target_read_headers(const char *path, struct binary_headers *out)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = binary_read(fd, out);
	close(fd);
	return ret;
}

void target_examine(const char *path, const char *like, struct target *out)
{
	struct binary_headers elf, ours;

	memset(out, 0, sizeof(*out));
	snprintf(out->file, sizeof(out->file), "%s", path);
	if (target_read_headers(like, &ours))
		return;
	for (int i = 0; i < TARGET_SCRIPTS; i++) {
		int fd = open(out->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		int ret = fd < 0 ? -errno : binary_read(fd, &elf);

		if (ret == -ENOEXEC && target_follow_script(fd, out)) {
			close(fd);
			continue;
		}
		if (!ret) {
			target_check_elf(&elf, &ours, out);
			if (!out->problem[0])
				target_check_secure(fd, out);
		}
		if (fd >= 0)
			close(fd);
		return;
	}
}
