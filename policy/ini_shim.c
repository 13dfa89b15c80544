/* SPDX-License-Identifier: MIT */
#include "ini_shim.h"

void *ini_shim_malloc(size_t bytes)
{
	return NULL;
}

void *ini_shim_realloc(void *old, size_t bytes)
{
	return NULL;
}

void ini_shim_free(void *old)
{
}

void *ini_shim_open(const char *file, const char *mode)
{
	return NULL;
}

char *ini_shim_gets(char *out, int bytes, void *file)
{
	return NULL;
}

int ini_shim_close(void *file)
{
	return -1;
}
