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
