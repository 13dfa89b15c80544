/* SPDX-License-Identifier: MIT */
/* Built with AddressSanitizer, which brings its own malloc: it must find what it is there for. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contig.h"

int main(int argc, char **argv)
{
	const struct contig_stats *stats = dlsym(RTLD_DEFAULT, "contig_stats");
	char *volatile large = malloc(4 << 20);

	memset(large, 1, 4 << 20);
	puts(!stats ? "no library" : stats->serving ? "serving" : stats->why);
	fflush(stdout);
	if (argc > 1)
		large[(4 << 20) + 1] = 1;
	free(large);
	return 0;
}
