/* SPDX-License-Identifier: MIT */
#include "demote.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "hold.h"
#include "policy.h"
#include "sys.h"
#include "zone.h"

#define CELL_BYTES	(64 * KIB)	/* the smallest huge page there is */
#define CELLS_MOST	(8192 * GIB / CELL_BYTES)
#define USUAL_PROT	(PROT_READ | PROT_WRITE)

enum { STACK_BYTES = 64 * 1024 };

struct demotion {
	char *page, *copy;
	size_t bytes;
	int prot;		/* afterwards */
	bool writable;		/* before */
	bool quiet;		/* nobody writes to it */
	int ret;
	ucontext_t caller, elsewhere;
};

/* One bit a cell, touched only where something was demoted. Guarded by: zone_lock. */
static uint64_t noted[CELLS_MOST / 64];
static bool any_noted;

static bool lies_in(const struct demotion *job, const void *p)
{
	return (uintptr_t)p - (uintptr_t)job->page < job->bytes;
}

bool demote_writable(void *addr)
{
	return sys_populate(addr, 4096) != -EINVAL;
}

/*
 * While it is copied nobody may write: where the page stays writable the writers are held, where
 * it is to be read-only it is so from now on. The caller must not be held by itself: errno lies
 * in its thread's block.
 */
static bool stop_writers(struct demotion *job, int *hold)
{
	struct hold_range range = { job->page, job->bytes };

	*hold = -1;
	if (!job->writable || job->quiet)
		return true;
	if (!(job->prot & PROT_WRITE))
		return !sys_protect(job->page, job->bytes, PROT_READ);
	if (lies_in(job, (const void *)pthread_self()))
		return false;
	*hold = hold_begin(&range, 1);
	return hold_sure(*hold);
}

static int replace(struct demotion *job)
{
	int hold, ret = -ENOMEM;
	void *out;

	if (!stop_writers(job, &hold))
		return ret;
	memcpy(job->copy, job->page, job->bytes);
	if (job->prot == USUAL_PROT || !sys_protect(job->copy, job->bytes, job->prot))
		ret = sys_remap(job->copy, job->bytes, job->bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
				job->page, &out);
	hold_end(hold);
	if (ret && job->writable && !(job->prot & PROT_WRITE))
		sys_protect(job->page, job->bytes, USUAL_PROT);
	return ret;
}

static void replace_elsewhere(unsigned int high, unsigned int low)
{
	struct demotion *job = (struct demotion *)((uintptr_t)high << 32 | low);

	job->ret = replace(job);
}

/*
 * The caller's own stack lies in the page (a coroutine on memory from malloc): what it wrote
 * after the copy would be lost, and being held it would wait for itself.
 */
static int replace_from_other_stack(const struct demotion *from)
{
	struct demotion *job;
	void *memory;
	int ret;

	if (sys_map(NULL, STACK_BYTES, USUAL_PROT, MAP_PRIVATE, &memory))
		return -ENOMEM;
	job = memory;
	*job = *from;
	getcontext(&job->elsewhere);
	job->elsewhere.uc_stack.ss_sp = (char *)memory + sizeof(*job);
	job->elsewhere.uc_stack.ss_size = STACK_BYTES - sizeof(*job);
	job->elsewhere.uc_link = &job->caller;
	makecontext(&job->elsewhere, (void (*)(void))replace_elsewhere, 2,
		    (unsigned int)((uintptr_t)job >> 32), (unsigned int)(uintptr_t)job);
	swapcontext(&job->caller, &job->elsewhere);
	ret = job->ret;
	sys_unmap(memory, STACK_BYTES);
	return ret;
}

/* A handler that writes to the page would be held too, and never come back; or be lost. */
static int replace_undisturbed(const struct demotion *from)
{
	struct demotion job = *from;
	sigset_t all, signals;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &signals);
	ret = lies_in(&job, __builtin_frame_address(0)) ? replace_from_other_stack(&job) :
							   replace(&job);
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
	return ret;
}

int demote_page(void *addr, size_t bytes, int prot)
{
	struct demotion job = {
		.page = addr, .bytes = bytes, .writable = demote_writable(addr),
		.quiet = prot == DEMOTE_QUIET,
	};
	uintptr_t base;
	void *raw;
	int ret;

	job.prot = prot >= 0 ? prot : job.writable ? USUAL_PROT : PROT_READ;
	ret = sys_map(NULL, 2 * bytes, USUAL_PROT, MAP_PRIVATE, &raw);
	if (ret)
		return -ENOMEM;
	base = ((uintptr_t)raw + bytes - 1) & ~(bytes - 1);
	job.copy = (char *)base;
	sys_advise(job.copy, bytes, MADV_HUGEPAGE);
	ret = replace_undisturbed(&job);
	if (ret) {
		sys_unmap(raw, 2 * bytes);
		return -ENOMEM;
	}
	/* Only what is left of it: where the copy lay there may be somebody else's by now. */
	if (base > (uintptr_t)raw)
		sys_unmap(raw, base - (uintptr_t)raw);
	sys_unmap((void *)(base + bytes), (uintptr_t)raw + bytes - base);
	return 0;
}

int demote_drop(void *addr, size_t bytes)
{
	int prot = demote_writable(addr) ? USUAL_PROT : PROT_READ;
	void *out;

	if (sys_map(addr, bytes, prot, MAP_PRIVATE | MAP_FIXED, &out))
		return -ENOMEM;
	sys_advise(out, bytes, MADV_HUGEPAGE);
	return 0;
}

static size_t cell_of(const void *addr)
{
	return ((uintptr_t)addr - zone_origin) / CELL_BYTES;
}

void demote_note(const void *addr, size_t bytes)
{
	for (size_t cell = cell_of(addr), left = bytes / CELL_BYTES; left--; cell++)
		noted[cell / 64] |= 1ull << cell % 64;
	any_noted = true;
}

void demote_forget(const void *addr, size_t bytes)
{
	if (!any_noted)
		return;
	for (size_t cell = cell_of(addr), left = bytes / CELL_BYTES; left--; cell++)
		noted[cell / 64] &= ~(1ull << cell % 64);
}

bool demote_noted(const void *addr)
{
	size_t cell = cell_of(addr);

	return any_noted && (noted[cell / 64] >> cell % 64 & 1);
}
