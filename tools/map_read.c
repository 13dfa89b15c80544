/* SPDX-License-Identifier: MIT */
#include "map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contig.h"
#include "library.h"
#include "pagescan.h"
#include "policy.h"
#include "remote.h"
#include "sysinfo.h"

enum { PAGE_BYTES = 4096, MAP_LARGE_BYTES = 1024 * 1024 };

/* While the mappings are read. */
struct map_reading {
	struct map_process *process;
	const uint64_t *address;
	size_t room;
};

/* The zone, from the figures of the library in the process; none is an ordinary answer. */
static void map_find_zone(struct map_process *process)
{
	struct contig_stats stats;
	uint64_t base, address;

	if (remote_find_library(process->pid, LIBRARY_NAME, &base) ||
	    remote_find_symbol(process->pid, base, "contig_stats", &address) ||
	    remote_read(process->pid, address, &stats, offsetof(struct contig_stats, start_ns)))
		return;
	if (stats.magic != CONTIG_STATS_MAGIC || stats.version != CONTIG_STATS_VERSION)
		return;
	process->zone_base = stats.zone_base;
	process->zone_bytes = stats.zone_bytes;
}

/* Memory of the program's own making: anonymous, shared, or of a device; not its files. */
static bool map_is_memory(const struct smaps_mapping *mapping)
{
	const char *name = mapping->name;

	if (!strncmp(mapping->access, "---", 3) && !mapping->present_bytes)
		return false;	/* reserved addresses */
	if (mapping->page_bytes > PAGE_BYTES || !name[0])
		return true;
	if (name[0] == '[')
		return strncmp(name, "[v", 2) != 0;	/* vdso, vvar, vsyscall */
	return !strncmp(name, "/dev/", 5) || !strncmp(name, "/memfd:", 7) ||
		!strncmp(name, "/SYSV", 5);
}

static bool map_continues(const struct map_region *region, const struct smaps_mapping *next)
{
	const struct smaps_mapping *last = &region->mapping;

	return last->end == next->start && last->page_bytes == next->page_bytes &&
		!strcmp(last->access, next->access) && !strcmp(last->name, next->name);
}

static int map_add(const struct smaps_mapping *mapping, void *arg)
{
	struct map_reading *reading = arg;
	struct map_process *process = reading->process;
	struct map_region *grown, *last = NULL;

	if (reading->address ? *reading->address < mapping->start ||
	    *reading->address >= mapping->end : !map_is_memory(mapping))
		return 0;
	if (process->count)
		last = &process->region[process->count - 1];
	if (last && map_continues(last, mapping)) {
		last->mapping.end = mapping->end;
		last->mapping.huge_bytes += mapping->huge_bytes;
		last->mapping.present_bytes += mapping->present_bytes;
		return 0;
	}
	/* The one before is complete: if it was small, its place is taken. */
	if (last && !reading->address && last->mapping.end - last->mapping.start < MAP_LARGE_BYTES)
		process->count--;
	if (process->count == reading->room) {
		reading->room = reading->room ? 2 * reading->room : 16;
		grown = realloc(process->region, reading->room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		process->region = grown;
	}
	process->region[process->count++] = (struct map_region){ .mapping = *mapping };
	return 0;
}

/* Why a process shows no mappings at all: a kernel thread has none, and one that ended neither. */
static int map_explain_nothing(pid_t pid)
{
	char path[40], text[512], state = 'Z', *after;
	unsigned long flags = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (sysinfo_read(path, text, sizeof(text)))
		return -ESRCH;
	after = strrchr(text, ')');	/* the name before it may hold anything */
	if (!after || sscanf(after, ") %c %*d %*d %*d %*d %*d %lu", &state, &flags) != 2)
		return -ESRCH;
	return state == 'Z' || state == 'X' ? -ESRCH : -ENXIO;
}

static int map_list(struct map_process *process, const uint64_t *address)
{
	struct map_reading reading = { .process = process, .address = address };
	struct map_region *last;
	char path[40];
	FILE *in;
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)process->pid);
	in = fopen(path, "re");
	if (!in)
		return errno == ENOENT ? -ESRCH : -errno;
	ret = smaps_each(in, map_add, &reading);
	if (!ret && !process->count && (rewind(in), fgetc(in) == EOF))
		ret = map_explain_nothing(process->pid);
	fclose(in);
	if (ret || address)
		return ret ? ret : process->count ? 0 : -EFAULT;
	last = process->count ? &process->region[process->count - 1] : NULL;
	if (last && last->mapping.end - last->mapping.start < MAP_LARGE_BYTES)
		process->count--;
	return 0;
}

/* While one region's pages are looked at. */
struct map_looking {
	struct map_region *region;
	struct physmap_sum sum;
	uint64_t known_bytes;
	uint64_t last_end, last_pa_end;		/* of the known piece before; 0: none */
};

/* Adds a range to each cell that it touches, to what @huge says. */
static void map_fill_cells(struct map_region *region, uint64_t start, uint64_t end, bool huge)
{
	while (start < end) {
		size_t i = (size_t)((start - region->mapping.start) / region->cell_bytes);
		uint64_t stop = region->mapping.start + (i + 1) * region->cell_bytes;

		stop = stop < end ? stop : end;
		if (huge)
			region->cell[i].huge_bytes += stop - start;
		else
			region->cell[i].present_bytes += stop - start;
		start = stop;
	}
}

static int map_look_at_piece(const struct physmap_piece *piece, void *arg)
{
	struct map_looking *looking = arg;
	struct map_region *region = looking->region;
	uint64_t end = piece->va + piece->bytes;

	if (piece->state == PHYSMAP_ABSENT)
		return 0;
	region->present_bytes += piece->bytes;
	map_fill_cells(region, piece->va, end, false);
	if (piece->state == PHYSMAP_HIDDEN) {
		region->hidden = true;
		return 0;
	}
	physmap_sum_add(&looking->sum, piece->pa, piece->bytes);
	looking->known_bytes += piece->bytes;
	if (looking->last_end &&
	    looking->last_pa_end - looking->last_end != piece->pa - piece->va) {
		size_t i = (size_t)((piece->va - region->mapping.start) / region->cell_bytes);

		region->cell[i].jumps++;
	}
	looking->last_end = end;
	looking->last_pa_end = piece->pa + piece->bytes;
	return 0;
}

/* What of it is mapped by huge pages. Where the kernel has no search, smaps knows how much. */
static void map_look_for_huge(struct map_region *region, int pagemap_fd)
{
	const struct smaps_mapping *mapping = &region->mapping;
	uint64_t start = mapping->start, end;
	int ret = 0;

	while (start < mapping->end) {
		ret = pagescan_find(pagemap_fd, PAGESCAN_HUGE, start, mapping->end,
				    mapping->end - start, &start, &end);
		if (ret)
			break;
		map_fill_cells(region, start, end, true);
		region->huge_bytes += end - start;
		start = end;
	}
	if (!ret || ret == -ENOENT)
		return;
	region->huge_bytes = mapping->page_bytes > PAGE_BYTES ? region->present_bytes :
			     mapping->huge_bytes;
	for (size_t i = 0; i < region->cell_count; i++)
		if (region->huge_bytes >= region->present_bytes / 2)
			region->cell[i].huge_bytes = region->cell[i].present_bytes;
}

static enum map_kind map_choose_kind(const struct map_region *region, uint64_t present,
				     uint64_t huge)
{
	if (!present)
		return MAP_ABSENT;
	if (region->mapping.page_bytes >= GIB)
		return MAP_GIGANTIC;
	if (region->mapping.page_bytes > PAGE_BYTES)
		return MAP_HUGETLB;
	return huge >= present - present / 2 ? MAP_THP : MAP_BASE;
}

enum map_kind map_cell_kind(const struct map_region *region, const struct map_cell *cell)
{
	return map_choose_kind(region, cell->present_bytes, cell->huge_bytes);
}

static int map_look(struct map_process *process, struct map_region *region, size_t cells)
{
	uint64_t start = region->mapping.start, bytes = region->mapping.end - start;
	struct map_looking looking = { .region = region };
	int ret;

	region->in_zone = start >= process->zone_base &&
			  start - process->zone_base < process->zone_bytes;
	region->cell_bytes = region->mapping.page_bytes ? region->mapping.page_bytes : PAGE_BYTES;
	while (region->cell_bytes * cells < bytes)
		region->cell_bytes *= 2;
	region->cell_count = (size_t)((bytes + region->cell_bytes - 1) / region->cell_bytes);
	physmap_sum_begin(&looking.sum, start, bytes, PHYSMAP_SIZES_MLX5);
	ret = physmap_each(process->pagemap_fd, start, bytes, map_look_at_piece, &looking);
	if (ret)
		return ret == -ENODATA ? -ESRCH : ret;
	physmap_sum_end(&looking.sum, &region->figures);
	if (looking.known_bytes != bytes)
		region->figures.page_bytes = region->figures.entries = 0;
	map_look_for_huge(region, process->pagemap_fd);
	region->kind = map_choose_kind(region, region->present_bytes, region->huge_bytes);
	process->hidden |= region->hidden;
	return 0;
}

int map_read(pid_t pid, const uint64_t *address, size_t cells, struct map_process *out)
{
	struct map_process process = { .pid = pid, .pagemap_fd = -1 };
	char path[40];
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	sysinfo_read(path, process.program, sizeof(process.program));
	ret = map_list(&process, address);
	if (ret)
		goto fail;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	process.pagemap_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (process.pagemap_fd < 0) {
		ret = errno == ENOENT ? -ESRCH : -errno;
		goto fail;
	}
	map_find_zone(&process);
	for (size_t i = 0; !ret && i < process.count; i++)
		ret = map_look(&process, &process.region[i], cells);
	if (ret)
		goto fail;
	*out = process;
	return 0;

fail:
	map_free(&process);
	return ret;
}

void map_free(struct map_process *process)
{
	if (process->pagemap_fd >= 0)
		close(process->pagemap_fd);
	free(process->region);
}
