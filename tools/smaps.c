/* SPDX-License-Identifier: MIT */
#include "smaps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* A line is a path of PATH_MAX bytes, which the kernel may write longer by escapes, and a head. */
enum { SMAPS_LINE_BYTES = 8192, SMAPS_PAGE_BYTES = 4096 };

/* One line without its end; what is longer than @line is passed over. Return: is there one. */
static bool smaps_read_line(FILE *in, char line[static SMAPS_LINE_BYTES])
{
	size_t length;
	int next;

	if (!fgets(line, SMAPS_LINE_BYTES, in))
		return false;
	length = strcspn(line, "\n");
	if (!line[length] && length + 1 == SMAPS_LINE_BYTES)
		do {
			next = fgetc(in);
		} while (next != '\n' && next != EOF);
	line[length] = '\0';
	return true;
}

/* Is it the first line of a mapping? */
static bool smaps_parse_head(const char *line, struct smaps_mapping *out)
{
	struct smaps_mapping found = { .start = 0 };
	size_t length;
	int at = 0;

	if (sscanf(line, "%16" SCNx64 "-%16" SCNx64 " %4s %*16x %*x:%*x %" SCNu64 " %n",
		   &found.start, &found.end, found.access, &found.inode, &at) != 4 || !at)
		return false;
	if (strlen(found.access) != 4 || found.start >= found.end ||
	    found.start % SMAPS_PAGE_BYTES || found.end % SMAPS_PAGE_BYTES)
		return false;
	length = strlen(line + at);
	if (length >= sizeof(found.name))
		at += (int)(length - sizeof(found.name) + 1);
	memcpy(found.name, line + at, strlen(line + at) + 1);
	*out = found;
	return true;
}

static void smaps_parse_field(const char *line, struct smaps_mapping *mapping)
{
	uint64_t kib, *field = NULL;
	char key[32];

	if (sscanf(line, "%31[A-Za-z_]: %" SCNu64 " kB", key, &kib) != 2 ||
	    kib > UINT32_MAX * 1024ull)
		return;
	if (!strcmp(key, "KernelPageSize"))
		field = &mapping->page_bytes;
	else if (!strcmp(key, "Rss") || !strcmp(key, "Shared_Hugetlb") ||
		 !strcmp(key, "Private_Hugetlb"))
		field = &mapping->present_bytes;
	else if (!strcmp(key, "AnonHugePages") || !strcmp(key, "ShmemPmdMapped"))
		field = &mapping->huge_bytes;
	if (field)
		*field += kib * 1024;
}

int smaps_each(FILE *in, int (*visit)(const struct smaps_mapping *mapping, void *arg), void *arg)
{
	struct smaps_mapping mapping = { .start = 0 }, next;
	char line[SMAPS_LINE_BYTES];
	int ret = 0;

	errno = 0;
	while (!ret && smaps_read_line(in, line)) {
		if (!smaps_parse_head(line, &next)) {
			smaps_parse_field(line, &mapping);
			continue;
		}
		if (mapping.end)
			ret = visit(&mapping, arg);
		mapping = next;
	}
	if (!ret && ferror(in))
		return errno ? -errno : -EIO;
	return !ret && mapping.end ? visit(&mapping, arg) : ret;
}
