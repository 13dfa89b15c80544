/* SPDX-License-Identifier: MIT */
#include "blocks.h"
#include "buddy.h"
#include "policy.h"
#include "sysinfo.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_TEXT_BYTES	(64 * 1024)	/* some hundred zones' lines; more are cut off */
#define BLOCKS_COLUMNS		16		/* kinds of page blocks; Linux has seven at most */
#define BLOCKS_MOST		(1ull << 40)	/* of one kind in a zone; more is garbage */

int blocks_read_free(struct blocks_free *out)
{
	static char text[BLOCKS_TEXT_BYTES];
	int ret = sysinfo_read("/proc/buddyinfo", text, sizeof(text) - 1);

	if (ret)
		return ret;
	strcat(text, "\n");	/* only whole lines count, and the end was trimmed */
	out->bytes = buddy_free_bytes(text, -1, 4 * KIB);
	out->huge_bytes = buddy_free_bytes(text, -1, 2 * MIB);
	out->half_bytes = buddy_free_bytes(text, -1, MIB);
	return out->bytes ? 0 : -ENODATA;
}

/* The place of each kind of the heading "Number of blocks type   Unmovable   Movable ...". */
static void blocks_find_columns(char *heading, int *unmovable, int *reclaimable)
{
	char *rest, *word = strtok_r(heading, " \t", &rest);

	*unmovable = *reclaimable = -1;
	for (int column = 0; word && column < BLOCKS_COLUMNS; column++) {
		if (!strcmp(word, "Unmovable"))
			*unmovable = column;
		if (!strcmp(word, "Reclaimable"))
			*reclaimable = column;
		word = strtok_r(NULL, " \t", &rest);
	}
}

/* "Node 0, zone   Normal   69   10641 ...": what follows the zone's name; NULL: another line. */
static const char *blocks_find_counts(const char *line)
{
	const char *at = strncmp(line, "Node ", 5) ? NULL : strstr(line, "zone ");

	if (!at)
		return NULL;
	at += 5 + strspn(at + 5, " \t");
	return at + strcspn(at, " \t");
}

/* Return: is @line a zone's, whole and of numbers only? Then it is added. */
static bool blocks_add_line(const char *line, int unmovable, int reclaimable,
			    struct blocks_kinds *to)
{
	const char *at = blocks_find_counts(line);
	struct blocks_kinds sum = *to;

	for (int column = 0; at && column < BLOCKS_COLUMNS; column++) {
		uint64_t count;
		char *end;

		at += strspn(at, " \t");
		if (!*at && column > unmovable && column > reclaimable) {
			*to = sum;
			return true;
		}
		if (!isdigit((unsigned char)*at))
			return false;
		count = strtoull(at, &end, 10);
		if (count > BLOCKS_MOST)
			return false;
		sum.all += count;
		sum.unmovable += column == unmovable ? count : 0;
		sum.reclaimable += column == reclaimable ? count : 0;
		at = end;
	}
	return false;
}

int blocks_read_kinds(struct blocks_kinds *out)
{
	static const char heading[] = "Number of blocks type";
	static char text[BLOCKS_TEXT_BYTES];
	struct blocks_kinds sum = { 0 };
	int unmovable, reclaimable;
	char *rest, *line, *start;
	int ret = sysinfo_read("/proc/pagetypeinfo", text, sizeof(text));

	if (ret)
		return ret;
	start = strstr(text, heading);
	if (!start)
		return -ENODATA;
	line = strtok_r(start + strlen(heading), "\n", &rest);
	if (!line)
		return -ENODATA;
	blocks_find_columns(line, &unmovable, &reclaimable);
	if (unmovable < 0)
		return -ENODATA;
	while ((line = strtok_r(NULL, "\n", &rest)))
		blocks_add_line(line, unmovable, reclaimable, &sum);
	if (!sum.all)
		return -ENODATA;
	*out = sum;
	return 0;
}

/* A line "KEY N" of /proc/vmstat. */
static int blocks_find_event(const char *text, const char *key, uint64_t *out)
{
	size_t length = strlen(key);
	char *end;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) || line[length] != ' ' ||
		    !isdigit((unsigned char)line[length + 1]))
			continue;
		*out = strtoull(line + length + 1, &end, 10);
		return *end && *end != '\n' ? -ENODATA : 0;
	}
	return -ENODATA;
}

int blocks_read_compaction(struct blocks_compaction *out)
{
	static char text[BLOCKS_TEXT_BYTES];
	uint64_t failures, successes;
	int ret = sysinfo_read("/proc/vmstat", text, sizeof(text));

	if (!ret)
		ret = blocks_find_event(text, "compact_fail", &failures);
	if (!ret)
		ret = blocks_find_event(text, "compact_success", &successes);
	if (ret)
		return ret;
	out->failures = failures;
	out->tries = failures + successes < failures ? failures : failures + successes;
	return 0;
}
