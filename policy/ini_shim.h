/* SPDX-License-Identifier: MIT */
/*
 * What libinih gets instead of malloc and stdio (policy/ini.syms turns its references here):
 * functions that always fail. conf.c calls ini_parse_stream() only, which keeps its line on the
 * stack as Debian builds it, so none of them is called; a libinih built otherwise reports that
 * it has no memory, and policy_read_conf() says so.
 */
#ifndef POLICY_INI_SHIM_H
#define POLICY_INI_SHIM_H

#include <stddef.h>

void *ini_shim_malloc(size_t bytes);
void *ini_shim_realloc(void *old, size_t bytes);
void ini_shim_free(void *old);
void *ini_shim_open(const char *file, const char *mode);
char *ini_shim_gets(char *out, int bytes, void *file);
int ini_shim_close(void *file);

#endif
