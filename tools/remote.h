/* SPDX-License-Identifier: MIT */
/*
 * A library in another process: where it is mapped, and where its symbols are. Everything is
 * read from the process's memory, so that it holds when the file was replaced or deleted.
 */
#ifndef TOOLS_REMOTE_H
#define TOOLS_REMOTE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * remote_read - bytes of another process's memory
 * Return: 0; -EFAULT not all of them are mapped; -EPERM; -ESRCH.
 */
int remote_read(pid_t pid, uint64_t address, void *out, size_t bytes);

/**
 * remote_find_library - the address of a library's ELF header
 * @name: its file's name without the directory
 *
 * Return: 0; -ENOENT not mapped; -EACCES or another errno of /proc/PID/maps; -ESRCH no process.
 */
int remote_find_library(pid_t pid, const char *name, uint64_t *base);

/**
 * remote_find_symbol - the address of an exported symbol, by the library's GNU hash table
 * Return: 0; -ENOENT; -ENOEXEC no ELF of this machine's kind; as remote_read().
 */
int remote_find_symbol(pid_t pid, uint64_t base, const char *name, uint64_t *address);

#endif
