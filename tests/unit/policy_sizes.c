/* SPDX-License-Identifier: MIT */
#include "policy_collect.h"

#include <errno.h>
#include <stdlib.h>

static void a_size_is_digits_and_a_unit_of_1024(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 }, { "4096", 4096 }, { "64K", 64 * KIB }, { "2MiB", 2 * MIB },
		{ "2MB", 2 * MIB }, { "1.5G", 1536 * MIB }, { "1T", 1024 * GIB },
		{ "0.5K", 512 }, { "1.25M", 1280 * KIB }, { "007", 7 },
		{ "1.50000000000000000000K", 1536 }, { "1.3K", 1331 },
		{ "8E", 1ull << 63 }, { "9223372036854775808", 1ull << 63 },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t bytes = 42;

		if (!CHECK(policy_parse_size(good[i].text, &bytes) == 0) ||
		    !CHECK(bytes == good[i].bytes))
			fprintf(stderr, "  %s gave %llu\n", good[i].text,
				(unsigned long long)bytes);
	}
}

static void what_is_no_size_is_refused(void)
{
	static const char *const bad[] = {
		"", "64Q", "-1", "+1", "1e99", "1.5.5", "0x10", "1.", ".5", "1.5", "K", "64k",
		"1 K", " 1K", "1K ", "1KK", "1Ki", "1KiBB", "4096B", "1,5G", "1.5.G", "1..2", "ten",
		"99999999999999999999999999999999Q", "1.x",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t bytes = 42;

		if (!CHECK(policy_parse_size(bad[i], &bytes) == -EINVAL) || !CHECK(bytes == 42))
			fprintf(stderr, "  %s\n", bad[i]);
	}
}

static void a_size_beyond_2_to_the_63_is_out_of_range(void)
{
	static const char *const huge[] = {
		"8.1E", "9E", "16E", "18446744073709551615", "18446744073709551616",
		"9223372036854775809", "99999999999999999999G", "18446744073709551615E",
	};

	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		uint64_t bytes = 42;

		if (!CHECK(policy_parse_size(huge[i], &bytes) == -ERANGE) || !CHECK(bytes == 42))
			fprintf(stderr, "  %s\n", huge[i]);
	}
}

static void a_million_digits_are_out_of_range(void)
{
	size_t digits = 1000000;
	char *text = malloc(digits + 1);
	uint64_t bytes = 42;

	if (!CHECK(text != NULL))
		return;
	memset(text, '9', digits);
	text[digits] = '\0';
	CHECK(policy_parse_size(text, &bytes) == -ERANGE);
	text[1] = '.';
	CHECK(policy_parse_size(text, &bytes) == -EINVAL);
	text[digits - 1] = 'K';
	CHECK(policy_parse_size(text, &bytes) == 0);
	CHECK(bytes == 10239);
	free(text);
}

static void a_formatted_size_reads_back_the_same(void)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} pairs[] = {
		{ 0, "0" }, { 1, "1" }, { 1023, "1023" }, { 512, "512" }, { 1536, "1.5K" },
		{ 64 * KIB, "64K" }, { 1536 * KIB, "1.5M" }, { 1280 * MIB, "1280M" },
		{ 1536 * MIB, "1.5G" }, { 1ull << 63, "8E" }, { 4097, "4097" },
	};
	char out[24];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint64_t bytes = 0;

		if (!CHECK(!strcmp(policy_format_size(pairs[i].bytes, out), pairs[i].text)))
			fprintf(stderr, "  %s, wanted %s\n", out, pairs[i].text);
		CHECK(policy_parse_size(out, &bytes) == 0 && bytes == pairs[i].bytes);
	}
	policy_format_size(UINT64_MAX, out);
	CHECK(!strcmp(out, "18446744073709551615"));
}

int main(void)
{
	a_size_is_digits_and_a_unit_of_1024();
	what_is_no_size_is_refused();
	a_size_beyond_2_to_the_63_is_out_of_range();
	a_million_digits_are_out_of_range();
	a_formatted_size_reads_back_the_same();
	return check_result();
}
