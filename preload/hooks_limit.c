/* SPDX-License-Identifier: MIT */
/*
 * setrlimit and its kin. Our reserved addresses count against RLIMIT_AS, and a process beyond its
 * limit gets no mapping of any kind. So a limit that the program sets on itself is met first, as
 * one that was there at the start is.
 */
#include <stdint.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contig.h"
#include "heap.h"
#include "hooks.h"
#include "next.h"
#include "zone.h"

_Static_assert(sizeof(struct rlimit) == sizeof(struct rlimit64), "limits have 64 bits");

/* A child of vfork() that limits itself before its exec must not take from its parent. */
static bool is_ours(pid_t pid)
{
	pid_t self = (pid_t)syscall(SYS_getpid);

	return (!pid || pid == self) && (!contig_stats.pid || contig_stats.pid == self);
}

static void meet(pid_t pid, int resource, const struct rlimit *limit)
{
	if (resource != RLIMIT_AS || !limit || limit->rlim_cur == RLIM_INFINITY ||
	    limit->rlim_cur > limit->rlim_max || !is_ours(pid))
		return;
	zone_limit(limit->rlim_cur, __libc_single_threaded);
	if (heap_range.bytes > zone_share(limit->rlim_cur))
		heap_shrink();
}

static int set_limit(int resource, const struct rlimit *limit)
{
	meet(0, resource, limit);
	return next.setrlimit ? next.setrlimit(resource, limit) :
				(int)syscall(SYS_prlimit64, 0, resource, limit, NULL);
}

static int set_limit_of(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old)
{
	meet(pid, resource, limit);
	return next.prlimit ? next.prlimit(pid, resource, limit, old) :
			      (int)syscall(SYS_prlimit64, pid, resource, limit, old);
}

HOOK int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	return set_limit((int)resource, limit);
}

HOOK int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit)
{
	return set_limit((int)resource, (const struct rlimit *)limit);
}

HOOK int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *limit,
		 struct rlimit *old)
{
	return set_limit_of(pid, (int)resource, limit, old);
}

HOOK int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *limit,
		   struct rlimit64 *old)
{
	return set_limit_of(pid, (int)resource, (const struct rlimit *)limit,
			    (struct rlimit *)old);
}
