/* SPDX-License-Identifier: MIT */
#include "next.h"

#include <dlfcn.h>

struct next next;

void next_load(void)
{
#define NEXT_LOOK_UP(result, name, args) next.name = (result (*) args)dlsym(RTLD_NEXT, #name);
	NEXT_FUNCTIONS(NEXT_LOOK_UP)
#undef NEXT_LOOK_UP
}

/* What the runtimes of gcc's and clang's sanitizers call their interceptors. */
void *__interceptor_malloc(size_t bytes) __attribute__((weak));
void *__interceptor_calloc(size_t count, size_t bytes) __attribute__((weak));
void *__interceptor_realloc(void *p, size_t bytes) __attribute__((weak));
void __interceptor_free(void *p) __attribute__((weak));
int __interceptor_posix_memalign(void **out, size_t align, size_t bytes) __attribute__((weak));
void *__interceptor_memalign(size_t align, size_t bytes) __attribute__((weak));
size_t __interceptor_malloc_usable_size(void *p) __attribute__((weak));

bool next_sanitizer(void)
{
	if (!__interceptor_malloc || !__interceptor_calloc || !__interceptor_realloc ||
	    !__interceptor_free || !__interceptor_memalign)
		return false;
	next.malloc = __interceptor_malloc;
	next.calloc = __interceptor_calloc;
	next.realloc = __interceptor_realloc;
	next.free = __interceptor_free;
	next.posix_memalign = __interceptor_posix_memalign;
	next.memalign = __interceptor_memalign;
	next.malloc_usable_size = __interceptor_malloc_usable_size;
	return true;
}
