/* SPDX-License-Identifier: MIT */
/*
 * libcontig for programs and tools that want more than LD_PRELOAD gives by itself.
 */
#ifndef CONTIG_H
#define CONTIG_H

#include <stddef.h>
#include <stdint.h>

/*
 * MAP_CONTIG - a flag for mmap(): the mapping is physically contiguous and populated, or the
 * call fails with ENOMEM. For anonymous private mappings, beside MAP_PRIVATE, that can be read
 * (PROT_READ, or PROT_READ | PROT_WRITE) and that the kernel may put where it likes.
 *
 * The value lies in MAP_TYPE, where MAP_PRIVATE | 0x04 is no type any kernel knows: without
 * libcontig the same call fails with EINVAL and does not quietly give scattered pages.
 */
#define MAP_CONTIG 0x04

/*
 * The live figures of a process under libcontig, exported by the library as `contig_stats`.
 * Read it from outside with process_vm_readv() at the symbol's address; fields are updated one
 * by one without a lock, each is exact, two of them may be an instant apart. A child starts
 * from zero.
 */
#define CONTIG_STATS_MAGIC	0x434f4e5449475354ull	/* "CONTIGST" */
#define CONTIG_STATS_VERSION	2u
#define CONTIG_POOLS		24	/* most pools a process can have */
#define CONTIG_POOL_NAME_BYTES	24

enum contig_reason {
#define CONTIG_REASON(NAME, text) CONTIG_REASON_##NAME,
#include "contig_stats.def"
	CONTIG_REASON_COUNT
};

struct contig_pool_stats {
	char name[CONTIG_POOL_NAME_BYTES];	/* "hugetlb-2M", "thp"; "" ends the list */
	uint64_t page_bytes;			/* of the pool; thp: the PMD size */
#define CONTIG_POOL_STAT(name, unit, help) uint64_t name;
#include "contig_stats.def"
	uint64_t fell_through[CONTIG_REASON_COUNT];	/* by enum contig_reason */
};

struct contig_stats {
	uint64_t magic;		/* CONTIG_STATS_MAGIC once the library serves the process */
	uint32_t version;
	uint32_t bytes;		/* sizeof(struct contig_stats) of the writer */
	int32_t pid;
	int32_t serving;	/* 0: loaded, but leaves the program alone; see why */
	char why[64];		/* why not, as text */
	uint64_t zone_base, zone_bytes;	/* bytes 0: not reserved (yet), see the report */
	uint64_t start_ns;	/* CLOCK_MONOTONIC */
#define CONTIG_STAT(name, unit, help) uint64_t name;
#include "contig_stats.def"
	uint32_t pool_count;
	uint32_t reserved;
	struct contig_pool_stats pool[CONTIG_POOLS];
};

extern struct contig_stats contig_stats;

/* What contig_entries() answers. Later versions add fields at the end. */
struct contig_figures {
	/*
	 * In: sizeof(struct contig_figures), as the caller knows it. Out: how much of it the
	 * library has filled; a field beyond that is as the caller left it.
	 */
	uint32_t struct_bytes;
	uint32_t reserved;
	uint64_t page_bytes;	/* the one page size that a registration would get */
	uint64_t entries;	/* translation entries of that size */
	uint64_t extents;	/* physically contiguous runs */
	uint64_t largest_bytes;	/* the longest of them */
};

/**
 * contig_entries - what a range of this process's memory is physically, and what a registration
 *	of it with an RDMA card would cost
 * @addr: first byte; any memory of the process, not only the library's
 * @bytes: length
 * @out: with struct_bytes set by the caller; nothing else is changed unless 0 is returned
 *
 * Page size and entries are those that the kernel would choose for a card that has mlx5's page
 * sizes (every power of two from 4 KiB to 2 GiB) and no translating IOMMU before it. They hold
 * while the memory stays where it is: the kernel may move what is not registered. A program that
 * is to run without the library declares the function weak (`#pragma weak contig_entries`) and
 * looks whether it is there.
 *
 * Context: any thread; no lock, no allocation, errno is left alone; reads /proc/self/pagemap,
 *	eight bytes a page.
 * Return: 0; -EINVAL: @bytes is 0, the range wraps round, or struct_bytes is too small; -EPERM:
 *	the kernel hides page frame numbers from this process (CAP_SYS_ADMIN is needed); -ENODATA:
 *	a page is not in memory (not mapped, never touched, swapped out); another -errno of opening
 *	or reading /proc/self/pagemap.
 */
int contig_entries(const void *addr, size_t bytes, struct contig_figures *out);

#endif
