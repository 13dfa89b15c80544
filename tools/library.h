/* SPDX-License-Identifier: MIT */
/* Where libcontig.so is, and whether the dynamic loader here really maps it. */
#ifndef TOOLS_LIBRARY_H
#define TOOLS_LIBRARY_H

#include <limits.h>
#include <stddef.h>

#define LIBRARY_NAME	"libcontig.so"
#define LIBRARY_PROBE	"__probe"	/* the hidden command that library_try() starts */

/**
 * library_find - libcontig.so beside this program, in ../lib or in ../lib/TRIPLE
 * @out: its absolute path without symbolic links; untouched unless 0
 *
 * Return: 0; -ENOENT; -errno where this program cannot tell where it is.
 */
int library_find(char out[static PATH_MAX]);

/**
 * library_preload - put @path first in LD_PRELOAD, keeping what is there
 *
 * With LD_AUDIT set it also asks glibc for spare static TLS, in GLIBC_TUNABLES beside what is
 * there: without it, ld.so refuses a preload that needs static TLS and stops the program.
 *
 * Return: 0; -EINVAL: the path holds a character that LD_PRELOAD cannot; -ENOMEM.
 */
int library_preload(const char *path);

/**
 * library_try - start this program once more under the environment as it is, and see
 * @path: the library that should be mapped then
 * @why: what the loader said, one line, when it is not
 *
 * The library is told to do nothing in the trial (CONTIG_DISABLE). Finds a noexec mount, a
 * missing dependency, a wrong class, a security module.
 *
 * Return: 0 it is mapped; -ENOEXEC it is not; -errno the trial could not be made.
 */
int library_try(const char *path, char *why, size_t why_bytes);

/* library_probe - the other side of the trial. Return: 0 if @path is mapped here, else 1. */
int library_probe(const char *path);

#endif
