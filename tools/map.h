/* SPDX-License-Identifier: MIT */
/* Where the large memory of a process lies physically: read once, shown in three ways. */
#ifndef TOOLS_MAP_H
#define TOOLS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "physmap.h"
#include "smaps.h"

struct json;

enum {
	MAP_CELLS = 320,	/* most pieces that one mapping's picture is made of */
	MAP_LIST_MOST = 32,	/* extents listed unless all are asked for */
};

/* What maps the memory on the CPU's side. */
enum map_kind { MAP_ABSENT, MAP_BASE, MAP_THP, MAP_HUGETLB, MAP_GIGANTIC,
		MAP_KIND_COUNT };

/* An equal share of a mapping's addresses. */
struct map_cell {
	uint64_t present_bytes, huge_bytes;
	uint64_t jumps;		/* where physical memory does not go on as the address does */
};

struct map_region {
	struct smaps_mapping mapping;	/* neighbours of one kind are one */
	bool in_zone;			/* libcontig gave it */
	enum map_kind kind;		/* of most of it */
	uint64_t present_bytes, huge_bytes;
	bool hidden;			/* the kernel does not tell where it lies */
	struct physmap_figures figures;	/* page size and entries: 0 unless all is present */
	uint64_t cell_bytes;		/* a power of two */
	size_t cell_count;
	struct map_cell cell[MAP_CELLS];
};

struct map_process {
	pid_t pid;
	char program[64];
	int pagemap_fd;
	uint64_t zone_base, zone_bytes;	/* of libcontig; bytes 0: the process has none */
	bool hidden;			/* of some region */
	size_t count;
	struct map_region *region;
};

/**
 * map_read - the mappings of a process, and how each lies physically
 * @address: NULL: all that are large; else the one that holds it, of whatever kind
 * @cells: most cells of a region, MAP_CELLS at most
 * @out: map_free() it; untouched unless 0 is returned
 *
 * The process is not stopped: what moves meanwhile may be seen at both places.
 * Return: 0; -ESRCH: there is none, or it ended; -ENXIO: it has no memory (a kernel thread);
 *	-EACCES; -EFAULT: nothing is mapped at @address; another -errno.
 */
int map_read(pid_t pid, const uint64_t *address, size_t cells, struct map_process *out);
void map_free(struct map_process *process);

/* map_cell_kind - what most of a cell is. */
enum map_kind map_cell_kind(const struct map_region *region, const struct map_cell *cell);

const char *map_kind_name(enum map_kind kind);

/* map_region_name - "libcontig, thp"; "/dev/hugepages/x". Return: @out. */
const char *map_region_name(const struct map_region *region, char out[static 192]);

/* map_format_bytes - "64M", "1.5G": four characters of it, for people. Return: @out. */
const char *map_format_bytes(uint64_t bytes, char out[static 24]);

void map_print_text(const struct map_process *process, bool colour);

/* map_print_extents - the pieces of the first region, @most of them at most (0: all). */
int map_print_extents(const struct map_process *process, struct json *json, uint64_t most);

void map_print_json(const struct map_process *process, struct json *json);

/**
 * map_write_svg - a picture: virtual addresses to the right, physical ones upwards
 * Return: 0; -ENODATA: no page whose place is known; -errno of reading the process or writing
 *	@path, *@writing says which.
 */
int map_write_svg(const struct map_process *process, const char *path, bool *writing);

#endif
