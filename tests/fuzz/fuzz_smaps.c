/* SPDX-License-Identifier: MIT */
/* Any bytes as /proc/PID/smaps. */
#include "fuzz_invariants.h"
#include "smaps.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int fuzz_require_mapping(const struct smaps_mapping *mapping, void *arg)
{
	size_t *count = arg;

	FUZZ_REQUIRE(mapping->start < mapping->end);
	FUZZ_REQUIRE(mapping->start % 4096 == 0 && mapping->end % 4096 == 0);
	FUZZ_REQUIRE(strnlen(mapping->access, sizeof(mapping->access)) == 4);
	FUZZ_REQUIRE(memchr(mapping->name, '\0', sizeof(mapping->name)));
	return ++*count == 1000 ? 77 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	size_t count = 0;
	FILE *in = bytes ? fmemopen((void *)(uintptr_t)data, bytes, "r") : NULL;
	int ret;

	if (!in)
		return 0;
	ret = smaps_each(in, fuzz_require_mapping, &count);
	FUZZ_REQUIRE(count <= 1000 && ret == (count == 1000 ? 77 : 0));
	FUZZ_REQUIRE(count * sizeof("0-1 rwxp 0 0:0 0") <= bytes + 1);
	fclose(in);
	return 0;
}
