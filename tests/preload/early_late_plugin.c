/* SPDX-License-Identifier: MIT */
/*
 * Preloaded after the library, so that its constructor runs before the library's, and its
 * destructor after: memory of all kinds is asked for and given back at both ends.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"

#define LARGE ((size_t)5 << 20)

static char *small, *large, *grown;
char *early_late_handed_over(void);

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(9);
}

/* Allocates and frees; what it keeps is in small, large and grown. */
static int take(void)
{
	char *zero = calloc(1, LARGE), *odd = memalign(64, 1000);

	small = malloc(100);
	large = malloc(LARGE);
	grown = realloc(malloc(10), LARGE);
	if (!small || !large || !grown || !odd || !zero || !pattern_is_zero(zero, LARGE))
		return 0;
	pattern_write(small, 100, 1);
	pattern_write(large, LARGE, 2);
	pattern_write(grown, LARGE, 3);
	free(zero);
	free(odd);
	return 1;
}

static int check_kept(void)
{
	return pattern_holds(small, 100, 1) && pattern_holds(large, LARGE, 2) &&
	       pattern_holds(grown, LARGE, 3);
}

/* To be freed by the program: memory from before the library's constructor. */
char *early_late_handed_over(void)
{
	char *p = check_kept() ? small : NULL;

	small = malloc(100);
	pattern_write(small, 100, 1);
	return p;
}

__attribute__((constructor)) static void begin(void)
{
	say(take() ? "constructor " : "constructor-failed ");
}

__attribute__((destructor)) static void end(void)
{
	int whole = check_kept();

	free(small);
	free(large);
	free(grown);
	say(whole && take() && check_kept() ? "destructor" : "destructor-failed");
}
