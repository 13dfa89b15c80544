/* SPDX-License-Identifier: MIT */
/* What `contig run` is to start, and why libcontig.so could not serve it. */
#ifndef TOOLS_TARGET_H
#define TOOLS_TARGET_H

#include <limits.h>
#include <stdbool.h>

struct target {
	char file[PATH_MAX];	/* what the kernel runs in the end: of a script its interpreter */
	char problem[PATH_MAX + 128];	/* why the library cannot serve it; "" it can */
	bool without_preload;	/* LD_PRELOAD would stop the program, or make it complain */
};

/**
 * target_find - the file that execvp() would start
 * Return: 0; -ENOENT, -EACCES.
 */
int target_find(const char *command, char out[static PATH_MAX]);

/**
 * target_examine - read the program's headers, or those of the interpreter of a script
 * @path: from target_find()
 * @like: a program of the class and machine that the library is of
 *
 * Never fails: what it cannot read it says nothing against; exec will.
 */
void target_examine(const char *path, const char *like, struct target *out);

#endif
