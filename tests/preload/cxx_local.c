/* SPDX-License-Identifier: MIT */
/*
 * C++ that a C program loads with RTLD_LOCAL: libstdc++ is in nobody's scope but its own, and
 * operator new still throws and deletes rightly.
 */
#include "check.h"
#include "served.h"

int main(void)
{
	int (*run)(void) = NULL;
	char path[4096] = "";
	void *plugin;

	served_prove();
	CHECK(!dlsym(RTLD_DEFAULT, "__cxa_throw"));	/* or this would test something else */
	if (readlink("/proc/self/exe", path, sizeof(path) - 64) < 0)
		return 1;
	strcat(path, "_plugin.so");
	plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!CHECK(plugin))
		fprintf(stderr, "%s\n", dlerror());
	else
		run = (int (*)(void))dlsym(plugin, "cxx_local");
	CHECK(!dlsym(RTLD_DEFAULT, "__cxa_throw"));
	if (CHECK(run))
		CHECK(run() == 0);
	return check_result();
}
