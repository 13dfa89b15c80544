/* SPDX-License-Identifier: MIT */
/* Any bytes as a contig.conf. */
#include "fuzz_invariants.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct policy pol;
	unsigned int errors = 0, returned;

	policy_init(&pol);
	returned = policy_read_conf(&pol, "fuzz", (const char *)data, bytes, fuzz_count_error,
				    &errors);
	FUZZ_REQUIRE(returned == errors);
	FUZZ_REQUIRE(errors <= bytes + 1);
	fuzz_require_policy(&pol);
	return 0;
}
