/* SPDX-License-Identifier: MIT */
/* contig.conf.example says the truth. Runs in the project's directory. */
#include "policy_collect.h"

static char example_text[POLICY_FILE_BYTES + 1];

static size_t example_read(void)
{
	FILE *file = fopen("contig.conf.example", "r");
	size_t bytes;

	if (!CHECK(file != NULL))
		return 0;
	bytes = fread(example_text, 1, sizeof(example_text), file);
	fclose(file);
	CHECK(bytes > 0 && bytes < sizeof(example_text));
	return bytes;
}

static void the_example_is_exactly_the_defaults(size_t bytes)
{
	struct policy pol, preset;

	policy_init(&preset);
	CHECK(collect_conf_bytes(&pol, example_text, bytes).count == 0);
	CHECK(!memcmp(&pol, &preset, sizeof(pol)));
}

static void every_setting_stands_in_it_active(size_t bytes)
{
	char line[128];

	for (unsigned int i = 0; i < policy_setting_count(); i++) {
		snprintf(line, sizeof(line), "\n%s =", policy_setting(i).name);
		if (!CHECK(memmem(example_text, bytes, line, strlen(line)) != NULL))
			fprintf(stderr, "  %s\n", policy_setting(i).name);
	}
}

/* "#[rule" and "#key" are the examples, "# text" is prose. */
static void its_rules_are_good_once_uncommented(size_t bytes)
{
	struct policy pol;

	for (size_t i = 0; i + 1 < bytes; i++)
		if ((!i || example_text[i - 1] == '\n') && example_text[i] == '#' &&
		    (example_text[i + 1] == '[' || (example_text[i + 1] >= 'a' &&
						  example_text[i + 1] <= 'z')))
			example_text[i] = ' ';
	CHECK(collect_conf_bytes(&pol, example_text, bytes).count == 0);
	CHECK(pol.count == 2 + 5);
	CHECK(!strcmp(pol.rule[0].name, "rdma-big") && pol.rule[0].chain.strict);
}

int main(void)
{
	size_t bytes = example_read();

	the_example_is_exactly_the_defaults(bytes);
	every_setting_stands_in_it_active(bytes);
	its_rules_are_good_once_uncommented(bytes);
	return check_result();
}
