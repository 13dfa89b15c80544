/* SPDX-License-Identifier: MIT */
/*
 * What this machine says of its memory, from /proc and /sys. A file that is not there is an
 * answer ("unknown"), never a failure.
 */
#ifndef TOOLS_SYSINFO_H
#define TOOLS_SYSINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSINFO_HUGEPAGES	"/sys/kernel/mm/hugepages"
#define SYSINFO_THP		"/sys/kernel/mm/transparent_hugepage"
#define SYSINFO_SIZES		16	/* of huge pages, at most */
#define SYSINFO_NODES		64
#define SYSINFO_WORD_BYTES	24

/**
 * sysinfo_read - the text of a small file, without white space at its end
 * @out: cut to @out_bytes - 1; "" unless 0 is returned
 *
 * Return: 0 or -errno.
 */
int sysinfo_read(const char *path, char *out, size_t out_bytes);

/* sysinfo_read_number - a file that holds one number. Return: 0, -EINVAL or -errno. */
int sysinfo_read_number(const char *path, uint64_t *out);

/* sysinfo_read_choice - the word in [brackets] of a file that lists choices; "" if unreadable. */
void sysinfo_read_choice(const char *path, char out[static SYSINFO_WORD_BYTES]);

/* sysinfo_read_kib - a line "KEY:  N kB" of /proc/meminfo, in bytes. Return: 0 or -errno. */
int sysinfo_read_kib(const char *key, uint64_t *out);

/* sysinfo_list_nodes - numbers of the NUMA nodes, ascending. Return: how many; 0: unknown. */
unsigned int sysinfo_list_nodes(int out[static SYSINFO_NODES]);

struct sysinfo_pool {		/* pages of one huge page size; counts are pages */
	uint64_t page_bytes;
	bool known;		/* false: the kernel knows the size, but /sys does not tell more */
	uint64_t total, free, reserved, surplus, overcommit;
};

/* sysinfo_list_pools - the huge page pools, largest page first. Return: how many. */
unsigned int sysinfo_list_pools(struct sysinfo_pool out[static SYSINFO_SIZES]);

/* sysinfo_read_node_pool - one node's share; reserved and overcommit are of the machine only. */
int sysinfo_read_node_pool(int node, uint64_t page_bytes, struct sysinfo_pool *out);

/* Pages of @pool that a new mapping could reserve without surplus. */
static inline uint64_t sysinfo_count_available(const struct sysinfo_pool *pool)
{
	return pool->free > pool->reserved ? pool->free - pool->reserved : 0;
}

struct sysinfo_thp {
	char enabled[SYSINFO_WORD_BYTES];	/* "always", "madvise", "never"; "": no THP */
	char defrag[SYSINFO_WORD_BYTES];
	uint64_t pmd_bytes;			/* 0: unknown */
	unsigned int count;			/* sizes with a switch of their own; 0 before 6.8 */
	struct {
		uint64_t page_bytes;
		char enabled[SYSINFO_WORD_BYTES];
	} size[SYSINFO_SIZES];			/* smallest first */
};

void sysinfo_read_thp(struct sysinfo_thp *out);

/**
 * sysinfo_is_advised_served - does memory with MADV_HUGEPAGE get pages of this size
 * @page_bytes: 0: of the PMD size
 */
bool sysinfo_is_advised_served(const struct sysinfo_thp *thp, uint64_t page_bytes);

/* sysinfo_check_pfns - can this process see page frame numbers. Return: 0, -EPERM or -errno. */
int sysinfo_check_pfns(void);

/* sysinfo_format_pages_path - .../hugepages-2048kB/NAME under @directory. Return: @out. */
char *sysinfo_format_pages_path(const char *directory, uint64_t page_bytes, const char *name,
				char out[static 160]);

#endif
