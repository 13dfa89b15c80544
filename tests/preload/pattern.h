/* SPDX-License-Identifier: MIT */
/*
 * Contents that tell where they belong: a word depends on the seed and on its place, so that a
 * page that was lost, zeroed, swapped with another or taken from a neighbour is seen.
 */
#ifndef TESTS_PRELOAD_PATTERN_H
#define TESTS_PRELOAD_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PATTERN_STEP = 512 };

static inline uint64_t pattern_word(uint64_t seed, size_t at)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + at + 1;

	x ^= x >> 29;
	return x * 0xbf58476d1ce4e5b9ull;
}

/* Writes a word in every PATTERN_STEP bytes, and the last byte. */
static inline void pattern_write(void *p, size_t bytes, uint64_t seed)
{
	char *to = p;

	for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += PATTERN_STEP) {
		uint64_t word = pattern_word(seed, at);

		memcpy(to + at, &word, sizeof(word));
	}
	if (bytes)
		to[bytes - 1] = (char)pattern_word(seed, bytes);
}

/* Do the first @upto bytes hold what pattern_write(p, bytes, seed) wrote? Says where not. */
static inline bool pattern_holds_upto(const void *p, size_t upto, size_t bytes, uint64_t seed)
{
	const char *from = p;

	for (size_t at = 0; at + sizeof(uint64_t) <= upto; at += PATTERN_STEP) {
		uint64_t word;

		memcpy(&word, from + at, sizeof(word));
		if (word == pattern_word(seed, at) || at + sizeof(word) == bytes)
			continue;
		fprintf(stderr, "at %zu of %zu bytes: %#llx, expected %#llx\n", at, bytes,
			(unsigned long long)word, (unsigned long long)pattern_word(seed, at));
		return false;
	}
	return !bytes || upto < bytes || from[bytes - 1] == (char)pattern_word(seed, bytes);
}

static inline bool pattern_holds(const void *p, size_t bytes, uint64_t seed)
{
	return pattern_holds_upto(p, bytes, bytes, seed);
}

static inline bool pattern_is_zero(const void *p, size_t bytes)
{
	const char *from = p;

	return !bytes || (!from[0] && !memcmp(from, from + 1, bytes - 1));
}

/* xorshift64*: the same numbers in every run. */
static inline uint64_t pattern_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

#endif
