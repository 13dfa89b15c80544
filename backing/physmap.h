/* SPDX-License-Identifier: MIT */
/*
 * What a range of memory is physically: pagemap -> extents -> page size and entries of a
 * registration. Reads only; needs neither the zone nor the policy, so that the command can use
 * it on other processes.
 */
#ifndef BACKING_PHYSMAP_H
#define BACKING_PHYSMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Page sizes an mlx5 card can register with: every power of two from 4 KiB to 2 GiB. */
#define PHYSMAP_SIZES_MLX5 0xfffff000ull

struct physmap_figures {
	uint64_t page_bytes;	/* the one page size a registration would get */
	uint64_t entries;	/* translation entries of that size */
	uint64_t extents;	/* physically contiguous runs */
	uint64_t largest_bytes;	/* the longest of them */
};

/* A physically contiguous run: whole 4 KiB pages, in the order of their virtual addresses. */
struct physmap_extent {
	uint64_t pa, bytes;
};

/*
 * The state of one walk over the extents of a range. It follows the description of
 * ib_umem_find_best_pgsz(): virtual and physical address must agree below the page size, and a
 * physical break must lie on a page boundary; `mask` collects every bit that speaks against.
 */
struct physmap_best {
	uint64_t mask;		/* address bits that disagree somewhere */
	uint64_t va;		/* of the next extent */
	uint64_t offset;	/* of the first byte in its 4 KiB page; 0 after the first extent */
	uint64_t run_end;	/* physical end of the current run */
	bool started;
};

/**
 * physmap_best_page - the page size the kernel's ib_umem_find_best_pgsz() would choose
 * @va: first byte of the registration
 * @bytes: its length, not 0
 * @ext: the extents of every page it touches, from the page that holds @va on
 * @count: how many
 * @sizes: page sizes of the device, one bit each
 *
 * Return: one bit of @sizes; 0 if none fits.
 */
uint64_t physmap_best_page(uint64_t va, uint64_t bytes, const struct physmap_extent *ext,
			   size_t count, uint64_t sizes);

/* physmap_entries - pages of @page_bytes that [@va, @va + @bytes) touches. */
uint64_t physmap_entries(uint64_t va, uint64_t bytes, uint64_t page_bytes);

/*
 * The same, piece by piece: physmap_sum_begin(), physmap_sum_add() for each extent in the order of
 * addresses (adjacent ones need not be merged), physmap_sum_end(). Page size and entries speak of
 * the whole range, and mean nothing unless every page of it was added.
 */
struct physmap_sum {
	uint64_t va, bytes, sizes;	/* of the registration */
	struct physmap_best best;
	struct physmap_extent current;	/* not counted yet; bytes 0: none */
	uint64_t extents, largest_bytes;
};

void physmap_sum_begin(struct physmap_sum *sum, uint64_t va, uint64_t bytes, uint64_t sizes);
void physmap_sum_add(struct physmap_sum *sum, uint64_t pa, uint64_t bytes);
void physmap_sum_end(struct physmap_sum *sum, struct physmap_figures *out);

enum physmap_state {
	PHYSMAP_KNOWN,	/* in memory, at pa */
	PHYSMAP_HIDDEN,	/* in memory; where, the kernel does not tell (CAP_SYS_ADMIN) */
	PHYSMAP_ABSENT,	/* not in memory: never touched, swapped out, or nothing is mapped */
};

/* One piece of a virtual range: whole 4 KiB pages, all of one state, physically contiguous. */
struct physmap_piece {
	uint64_t va, bytes;
	uint64_t pa;		/* PHYSMAP_KNOWN; 0 otherwise */
	enum physmap_state state;
};

/* Return: 0 to go on; anything else ends the walk and is its result. */
typedef int physmap_visit(const struct physmap_piece *piece, void *arg);

/**
 * physmap_each - the physically contiguous pieces of a range of any process
 * @pagemap_fd: open /proc/PID/pagemap
 * @va: first byte; the range is widened to whole 4 KiB pages
 * @bytes: length, not 0
 * @visit: called for each piece, in the order of addresses; together they are the range, and no
 *	two neighbours could be one
 *
 * Context: any; no allocation, one page of stack. A system call per 2 MiB; of what is absent only
 *	the first 2 MiB, where the kernel has PAGEMAP_SCAN.
 * Return: 0; what @visit returned; -ENODATA: the process has ended, or no process can have these
 *	addresses; -errno of the read.
 */
int physmap_each(int pagemap_fd, uint64_t va, uint64_t bytes, physmap_visit *visit, void *arg);

/**
 * physmap_measure - the figures of a range, from a process's pagemap
 * @pagemap_fd: open /proc/PID/pagemap
 * @va: first byte
 * @bytes: length, not 0
 * @sizes: page sizes of the device, one bit each
 * @out: untouched unless 0 is returned
 *
 * Context: any; no allocation, one page of stack; may take a system call per 2 MiB.
 * Return: 0; -EPERM: the kernel hides PFNs (CAP_SYS_ADMIN in the first user namespace is
 *	needed); -ENODATA: a page is not in memory; -errno of the read.
 */
int physmap_measure(int pagemap_fd, uint64_t va, uint64_t bytes, uint64_t sizes,
		    struct physmap_figures *out);

#endif
