/* SPDX-License-Identifier: MIT */
/* What the files of `contig pool` share. Counts are pages of the pool's size. */
#ifndef TOOLS_CMD_POOL_H
#define TOOLS_CMD_POOL_H

#include "pool_runs.h"
#include "sysinfo.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define POOL_ANY_NODE	(-1)
#define POOL_NODE_LIMIT	1024	/* MAX_NUMNODES of the largest kernels */
#define POOL_PATH_BYTES	160
#define POOL_UNIT	"contig-pool.service"

struct pool_request {
	uint64_t bytes;
	uint64_t page_bytes;	/* 0: not given */
	int node;		/* POOL_ANY_NODE: not given */
	bool has_size, contiguous, persist, compact, dry_run, all, create, json;
};

/* One pool: of the machine or of a node. */
struct pool_place {
	uint64_t page_bytes;
	int node;		/* POOL_ANY_NODE: the machine's */
};

/* pool_place.c: the kernel's files */

/* pool_place_format - the path of the pool's file @name. Return: @out. */
char *pool_place_format(const struct pool_place *place, const char *name,
			char out[static POOL_PATH_BYTES]);

/*
 * pool_place_read - its counters; of a node `reserved` is such that what is left can surely be
 * taken. Return: 0; -ENOENT: no such pool, or /sys does not show it.
 */
int pool_place_read(const struct pool_place *place, struct sysinfo_pool *out);

/* pool_place_write - a number into a file. Return: 0 or -errno of the kernel's refusal. */
int pool_place_write(const char *path, uint64_t value);

/* What growing did, read back. */
struct pool_growth {
	uint64_t pages;		/* more than before; may be fewer than were asked for */
	uint64_t absorbed;	/* surplus pages that became the pool's own on the way */
};

/* pool_place_grow - @pages more. @out is added to, on errors too. Return: 0 or -errno. */
int pool_place_grow(const struct pool_place *place, uint64_t pages, struct pool_growth *out);

/*
 * pool_place_shrink - @pages fewer: free ones at once, those in use when they become free
 * @gone: how many left the pool at once, read back; NULL allowed
 */
int pool_place_shrink(const struct pool_place *place, uint64_t pages, uint64_t *gone);

/* pool_place_demote - free pages to the next smaller size; @done read back, also on errors. */
int pool_place_demote(const struct pool_place *place, uint64_t pages, uint64_t *done);

/* pool_place_compact - drop the caches, compact the memory. Refusals of the kernel are ignored. */
void pool_place_compact(void);

/* pool_place_print_write - what a dry run prints of one write. @why: a remark, "" none. */
void pool_place_print_write(const struct pool_place *place, const char *name, uint64_t value,
			    const char *why);

/* pool_signal.c: from pool_signal_catch() on, HUP, INT, QUIT and TERM are only noted. */
void pool_signal_catch(void);
bool pool_signal_caught(void);

/* pool_signal_end - die of the signal noted, as without the handler; returns if there is none. */
void pool_signal_end(void);

/* pool_signal_progress - the line that tells a person at a terminal what goes on; "" clears. */
void pool_signal_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* pool_hold.c: free pages taken out of a pool by mapping them, so that they can be told apart */
struct pool_hold {
	struct pool_place place;
	size_t count, room;
	struct pool_page *page;
};

/*
 * pool_hold_add - map, populate and look up @pages more
 * Return: 0; -EINTR: a signal; -EPERM: no PFNs; -errno. What was mapped stays held.
 */
int pool_hold_add(struct pool_hold *hold, size_t pages);

/* pool_hold_drop - let go of what is not kept. Return: how many pages, or -errno. */
ssize_t pool_hold_drop(struct pool_hold *hold);

/* pool_hold_release - let go of everything, so that the next taker gets ascending addresses. */
void pool_hold_release(struct pool_hold *hold);

/* pool_reserve.c, pool_contiguous.c, pool_show.c, pool_mounts.c. Return: enum status. */
int pool_reserve(const struct pool_request *req);
int pool_release(const struct pool_request *req);
int pool_contiguous(const struct pool_request *req);
int pool_show(const struct pool_request *req);
int pool_mounts(const struct pool_request *req);

/* pool_count_pages - pages of @page_bytes that hold @bytes. */
static inline uint64_t pool_count_pages(uint64_t bytes, uint64_t page_bytes)
{
	return bytes / page_bytes + (bytes % page_bytes != 0);
}

/* pool_check_available - say so and return false if the machine has less memory than @bytes. */
bool pool_check_available(uint64_t bytes);

/* pool_mounts_put_json - the list "mounts" of an open object. */
struct json;
void pool_mounts_put_json(struct json *json);

/* pool_mounts_print - one line a mount. */
void pool_mounts_print(void);

/* pool_persist.c: the same at every boot. Return: enum status. */
int pool_persist(const struct pool_request *req);

#endif
