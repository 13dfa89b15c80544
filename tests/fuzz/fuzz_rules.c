/* SPDX-License-Identifier: MIT */
/* Any text as CONTIG_POLICY, and as a variable of its own, after a file with rules. */
#include "fuzz_invariants.h"

#include <stdint.h>

static const char fuzz_file[] = "[rule a]\nsize = 2M..4M\nchain = thp!\n[rule b]\nchain = base\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void fuzz_read_env(struct policy *pol, const char *text)
{
	size_t bytes = strlen(text) + sizeof("CONTIG_");
	char *variable = malloc(bytes);
	char *environ[] = { variable, variable, NULL };
	unsigned int errors = 0;

	FUZZ_REQUIRE(variable != NULL);
	snprintf(variable, bytes, "CONTIG_%s", text);
	FUZZ_REQUIRE(policy_read_env(pol, environ, fuzz_count_error, &errors) == errors);
	FUZZ_REQUIRE(errors <= 1);	/* it is there twice, and named once */
	free(variable);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct policy pol;
	char *text = malloc(bytes + 1);
	unsigned int errors = 0, returned;

	FUZZ_REQUIRE(text != NULL);
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	policy_init(&pol);
	FUZZ_REQUIRE(!policy_read_conf(&pol, "fuzz", fuzz_file, sizeof(fuzz_file) - 1,
				       fuzz_count_error, &errors));
	returned = policy_read_rules(&pol, text, fuzz_count_error, &errors);
	FUZZ_REQUIRE(returned == errors);
	FUZZ_REQUIRE(pol.count >= 4 && !strcmp(pol.rule[pol.count - 3].name, "b"));
	fuzz_read_env(&pol, text);
	fuzz_require_policy(&pol);
	free(text);
	return 0;
}
