/* SPDX-License-Identifier: MIT */
/*
 * What a range of memory is physically: pagemap -> extents -> page size and entries of a
 * registration. Reads only; needs neither the zone nor the policy, so that the command can use
 * it on other processes.
 */
#ifndef BACKING_PHYSMAP_H
#define BACKING_PHYSMAP_H

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
