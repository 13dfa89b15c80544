/* SPDX-License-Identifier: MIT */
/* contig map in words, and its strips. */
#include "map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "policy.h"

/* The letter of a kind; where physical memory jumps it is a small one. */
static const struct {
	const char *name;
	char letter;
	int colour;	/* of the terminal's background: 256 colours */
} map_kinds[MAP_KIND_COUNT] = {
	[MAP_ABSENT] = { "not in memory", '.', 0 },
	[MAP_BASE] = { "4K pages", 'P', 166 },
	[MAP_THP] = { "thp", 'T', 178 },
	[MAP_HUGETLB] = { "hugetlb", 'H', 35 },
	[MAP_GIGANTIC] = { "hugetlb 1G and more", 'G', 33 },
};

const char *map_kind_name(enum map_kind kind)
{
	return map_kinds[kind].name;
}

const char *map_format_bytes(uint64_t bytes, char out[static 24])
{
	static const char units[] = "KMGTP";
	double value = (double)bytes / 1024;
	int unit = 0;

	while (value >= 1024 && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	if (value < 100 && value * 10 != (double)(int)value * 10)
		snprintf(out, 24, "%.1f%c", value, units[unit]);
	else
		snprintf(out, 24, "%.0f%c", value, units[unit]);
	return out;
}

const char *map_region_name(const struct map_region *region, char out[static 192])
{
	const char *name = region->mapping.name;
	char size[24] = "";

	if (region->kind == MAP_HUGETLB || region->kind == MAP_GIGANTIC)
		map_format_bytes(region->mapping.page_bytes, size);
	if (region->in_zone)
		name = "libcontig";
	else if (!name[0])
		name = "anonymous";
	snprintf(out, 192, "%s, %s%s%s", name, size[0] ? "hugetlb" : map_kind_name(region->kind),
		 size[0] ? "-" : "", size);
	return out;
}

/* A figure, or why there is none. */
static const char *map_format_figure(uint64_t value, bool bytes, char out[static 24])
{
	if (!value)
		return "-";
	if (bytes)
		return map_format_bytes(value, out);
	snprintf(out, 24, "%" PRIu64, value);
	return out;
}

static void map_print_strip(const struct map_region *region, bool colour)
{
	char size[24];

	fputs("  ", stdout);
	for (size_t i = 0; i < region->cell_count; i++) {
		const struct map_cell *cell = &region->cell[i];
		enum map_kind kind = map_cell_kind(region, cell);
		char letter = map_kinds[kind].letter;

		if (!colour || kind == MAP_ABSENT)
			putchar(cell->jumps && kind != MAP_ABSENT ? letter | 0x20 : letter);
		else
			printf("\033[48;5;%dm\033[30m%c\033[0m", map_kinds[kind].colour,
			       cell->jumps ? '|' : ' ');
	}
	printf("  a cell is %s\n", map_format_bytes(region->cell_bytes, size));
}

static void map_print_region(const struct map_region *region, bool colour)
{
	const struct physmap_figures *figures = &region->figures;
	char text[6][24], name[192], entries[64] = "-";

	if (figures->entries)
		snprintf(entries, sizeof(entries), "%" PRIu64 " of %s", figures->entries,
			 map_format_bytes(figures->page_bytes, text[0]));
	printf("%12" PRIx64 "-%-12" PRIx64 " %6s %5s %6s %7s %7s %12s  %s\n",
	       region->mapping.start, region->mapping.end,
	       map_format_bytes(region->mapping.end - region->mapping.start, text[1]),
	       map_format_figure(region->mapping.page_bytes, true, text[2]),
	       map_format_figure(region->present_bytes, true, text[3]),
	       map_format_figure(figures->extents, false, text[4]),
	       map_format_figure(figures->largest_bytes, true, text[5]), entries,
	       map_region_name(region, name));
	map_print_strip(region, colour);
}

static void map_print_legend(bool colour)
{
	for (int kind = MAP_BASE; kind < MAP_KIND_COUNT; kind++)
		if (colour)
			printf("\033[48;5;%dm  \033[0m %s  ", map_kinds[kind].colour,
			       map_kinds[kind].name);
		else
			printf("%c %s  ", map_kinds[kind].letter, map_kinds[kind].name);
	printf(". not in memory\n%s: physical memory jumps there\n",
	       colour ? "|" : "a small letter");
}

void map_print_text(const struct map_process *process, bool colour)
{
	printf("%d %s: %zu large mapping%s", (int)process->pid, process->program, process->count,
	       process->count == 1 ? "" : "s");
	if (process->zone_bytes)
		printf(", under libcontig");
	printf("\n");
	if (!process->count)
		return;
	printf("%-25s %6s %5s %6s %7s %7s %12s  %s\n", "ADDRESSES", "SIZE", "PAGE", "IN MEM",
	       "EXTENTS", "LARGEST", "ENTRIES", "WHAT");
	for (size_t i = 0; i < process->count; i++)
		map_print_region(&process->region[i], colour);
	map_print_legend(colour);
}

struct map_listing {
	struct json *json;
	uint64_t most, seen;
};

static int map_print_piece(const struct physmap_piece *piece, void *arg)
{
	static const char *const words[] = {
		[PHYSMAP_KNOWN] = "known", [PHYSMAP_HIDDEN] = "hidden",
		[PHYSMAP_ABSENT] = "absent",
	};
	struct map_listing *listing = arg;
	char size[24];

	if (listing->most && listing->seen++ >= listing->most)
		return 0;
	if (listing->json) {
		json_open_object(listing->json, NULL);
		json_put_text(listing->json, "state", words[piece->state]);
		json_put_number(listing->json, "va", piece->va);
		if (piece->state == PHYSMAP_KNOWN)
			json_put_number(listing->json, "pa", piece->pa);
		else
			json_put_null(listing->json, "pa");
		json_put_number(listing->json, "bytes", piece->bytes);
		json_close(listing->json);
		return 0;
	}
	policy_format_size(piece->bytes, size);
	if (piece->state == PHYSMAP_KNOWN)
		printf("%14" PRIx64 " %14" PRIx64 " %12s\n", piece->va, piece->pa, size);
	else
		printf("%14" PRIx64 " %14s %12s\n", piece->va,
		       piece->state == PHYSMAP_HIDDEN ? "hidden" : "not in memory", size);
	return 0;
}

int map_print_extents(const struct map_process *process, struct json *json, uint64_t most)
{
	const struct smaps_mapping *mapping = &process->region[0].mapping;
	struct map_listing listing = { .json = json, .most = most };
	int ret;

	if (!json)
		printf("%14s %14s %12s\n", "VIRTUAL", "PHYSICAL", "LENGTH");
	ret = physmap_each(process->pagemap_fd, mapping->start, mapping->end - mapping->start,
			   map_print_piece, &listing);
	if (!ret && most && listing.seen > most && !json)
		printf("... and %" PRIu64 " more (--all shows them)\n", listing.seen - most);
	return ret == -ENODATA ? -ESRCH : ret;
}

static void map_put_figure(struct json *json, const char *key, uint64_t value)
{
	if (value)
		json_put_number(json, key, value);
	else
		json_put_null(json, key);
}

void map_print_json(const struct map_process *process, struct json *json)
{
	json_put_number(json, "pid", (uint64_t)process->pid);
	json_put_text(json, "program", process->program);
	json_put_flag(json, "hidden", process->hidden);
	json_put_number(json, "zone_base", process->zone_base);
	json_put_number(json, "zone_bytes", process->zone_bytes);
	json_open_list(json, "mappings");
	for (size_t i = 0; i < process->count; i++) {
		const struct map_region *region = &process->region[i];

		json_open_object(json, NULL);
		json_put_number(json, "start", region->mapping.start);
		json_put_number(json, "end", region->mapping.end);
		json_put_text(json, "name", region->mapping.name);
		json_put_flag(json, "libcontig", region->in_zone);
		json_put_text(json, "kind", map_kind_name(region->kind));
		map_put_figure(json, "page_bytes", region->mapping.page_bytes);
		json_put_number(json, "present_bytes", region->present_bytes);
		json_put_number(json, "huge_bytes", region->huge_bytes);
		map_put_figure(json, "extents", region->figures.extents);
		map_put_figure(json, "largest_bytes", region->figures.largest_bytes);
		map_put_figure(json, "registration_page_bytes", region->figures.page_bytes);
		map_put_figure(json, "registration_entries", region->figures.entries);
		json_close(json);
	}
	json_close(json);
}
