/* SPDX-License-Identifier: MIT */
#include "fork.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "alter.h"
#include "cgroup.h"
#include "cow.h"
#include "figures.h"
#include "given.h"
#include "heap.h"
#include "hooks.h"
#include "init.h"
#include "fork_layout.h"
#include "next.h"
#include "place.h"
#include "pool.h"
#include "snapshot.h"
#include "zone.h"

/* libio's list of streams; exported by glibc and taken by its fork() right after our handlers. */
void _IO_list_lock(void);
void _IO_list_unlock(void);

enum { STACK_BYTES = 256 * 1024 };

/* In no header: pthread_atfork() is linked into every library that calls it. */
int __register_atfork(void (*before)(void), void (*parent)(void), void (*child)(void),
		      void *library);

/* One fork, from the hook to the child. */
struct plan {
	pid_t (*real)(void);
	bool handlers;		/* real() runs pthread_atfork handlers; _Fork() does not */
	bool kernel;		/* copy-on-write for what is not in the snapshot */
	bool with_snapshot, had_snapshot;
	bool refused;		/* too late to fail: the child goes at once, see prepare() */
	bool late;		/* made in prepare(), for a fork that passed our hook by */
	struct snapshot snap;
	sigset_t signals;	/* as they were */
	pid_t parent, result;
	int error;
	ucontext_t caller, forker;	/* where the caller's stack is in the zone */
};

/* initial-exec: the default TLS model may itself call malloc on first touch. */
static __thread struct plan *current __attribute__((tls_model("initial-exec")));
static __thread bool streams_locked __attribute__((tls_model("initial-exec")));
static __thread bool hands_off __attribute__((tls_model("initial-exec")));

static pid_t next_fork(void)
{
	/* Some library's constructor forks before ours ran. */
	if (!next.fork)
		next.fork = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
	return next.fork();
}

static pid_t next_plain_fork(void)
{
	if (!next._Fork)
		next._Fork = (pid_t (*)(void))dlsym(RTLD_NEXT, "_Fork");
	return next._Fork();
}

static bool has_huge_memory(void)
{
	if (heap_huge_bytes())
		return true;
	if (!pool_known())
		return false;
	for (unsigned int i = 0; i < pool_count(); i++)
		if (pool_at(i)->backing == BACKING_HUGETLB && pool_stats(pool_at(i))->mapped_bytes)
			return true;
	return false;
}

/* Mostly done when the thread was made; but not every thread is made by pthread_create(). */
static void see_to_own_thread_block(void)
{
	char *self = (char *)pthread_self();

	if (range_owns(&zone, self))
		alter_zone_thread(self, self, self + 1);
}

/* Is there memory for a copy of @bytes beside what else is going on? */
static bool memory_suffices(size_t bytes)
{
	uint64_t have = sys_available_bytes(), group = cgroup_memory_left();

	return bytes < (group < have ? group : have) / 8 * 7;
}

/*
 * We are in a signal handler that interrupted our own code with a lock held, and _Fork() may be
 * called there. The spans may be in the middle of a change, so only the kernel can do it.
 */
static int choose_without_locks(struct plan *plan)
{
	plan->kernel = pool_known() && !place_promised() && !given_promised() && cow_covered();
	return plan->kernel ? 0 : -EAGAIN;
}

/* How this fork is to be done. Return: 0; -ENOMEM, -EAGAIN: it cannot be done. */
static int choose(struct plan *plan)
{
	enum fork_id way = init_policy.settings.fork;
	bool covered, left_huge;
	size_t bytes;

	if (lock_depth)
		return choose_without_locks(plan);
	covered = way == FORK_KERNEL || cow_covered();
	plan->kernel = way == FORK_KERNEL || (way == FORK_AUTO && covered);
	plan->snap.scope = plan->kernel ? SNAPSHOT_PROMISED : SNAPSHOT_ALL;
	plan->snap.drop = way == FORK_DONTFORK;
	see_to_own_thread_block();
	bytes = snapshot_bytes(plan->snap.scope, &left_huge);
	/* These two can only be copied by the kernel. */
	if (!covered && (left_huge || heap_huge_bytes()))
		return -ENOMEM;
	plan->with_snapshot = bytes != 0;
	if (!plan->with_snapshot)
		return 0;
	if (!plan->snap.drop && !memory_suffices(bytes))
		return -ENOMEM;
	return snapshot_begin(&plan->snap);
}

static void count_fork(const struct plan *plan)
{
	figures_add(&contig_stats.forks, 1);
	if (plan->with_snapshot && !plan->snap.drop)
		figures_add(&contig_stats.fork_snapshots, 1);
}

/*
 * libc's own callers of fork (daemon, forkpty) do not come through our hook, and handlers that
 * prepare before us may have asked for the first large memory. Such a fork cannot be refused;
 * where nothing suffices it is left to the kernel. NULL: there is nothing to look after.
 */
static struct plan *late_plan(void)
{
	struct plan *plan;
	void *memory;

	if (init_phase() != INIT_SERVING || !has_huge_memory() ||
	    sys_map(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_PRIVATE, &memory))
		return NULL;
	plan = memory;
	plan->handlers = true;
	plan->late = true;
	plan->parent = getpid();
	if (choose(plan) || range_owns(&zone, __builtin_frame_address(0))) {
		if (plan->with_snapshot && plan->snap.memory)
			snapshot_end(&plan->snap);
		plan->with_snapshot = false;
		plan->kernel = true;
	}
	plan->had_snapshot = plan->with_snapshot;
	return plan;
}

/*
 * Runs last of all prepare handlers, since it was registered first. The order of locks is glibc's
 * own: other handlers' locks, then the list of streams, then the allocator's. A failure can no
 * longer be returned from here: the child is made, and goes before anybody sees it.
 */
static void prepare(void)
{
	struct plan *plan;

	if (!current)
		current = late_plan();
	plan = current;
	if (!plan || plan->handlers) {
		/* With one thread glibc leaves the list alone, and would not reset it for the child. */
		streams_locked = !__libc_single_threaded;
		if (streams_locked)
			_IO_list_lock();
		heap_fork_prepare();
	}
	hands_off = lock_depth != 0;
	if (hands_off)
		return;
	heap_hold();
	given_hold();
	lock_take(&zone_lock);
	if (plan && plan->with_snapshot && snapshot_take(&plan->snap)) {
		plan->with_snapshot = false;
		plan->refused = !plan->late;
	}
	pool_hold();
}

static void end_late_plan(struct plan *plan)
{
	current = NULL;
	if (plan->had_snapshot)
		snapshot_end(&plan->snap);
	sys_unmap(plan, sizeof(*plan));
}

static void after_in_parent(void)
{
	struct plan *plan = current;

	if (plan && plan->with_snapshot)
		snapshot_parent(&plan->snap);
	if (!hands_off) {
		pool_let_go();
		lock_drop(&zone_lock);
		given_let_go();
		heap_let_go();
	}
	if (!plan || plan->handlers) {
		heap_fork_parent();
		if (streams_locked)
			_IO_list_unlock();
	}
	if (plan && plan->late) {
		count_fork(plan);
		fork_layout_forked(plan->kernel);
		end_late_plan(plan);
	}
}

/*
 * With hands off, one of them may be let go once more by the code that the signal interrupted,
 * which does no harm with one thread.
 */
static void reset_locks(void)
{
	pool_reset();
	heap_reset();
	lock_reset(&zone_lock);
	given_reset();
	if (!hands_off)
		lock_depth = 0;
}

static void after_in_child(void)
{
	struct plan *plan = current;

	if (plan && plan->refused)
		syscall(SYS_exit_group, 0);
	reset_locks();
	if (plan && plan->with_snapshot)
		snapshot_child(&plan->snap);
	given_forget(!plan || !plan->with_snapshot ? GIVEN_KEPT :
		    plan->snap.scope == SNAPSHOT_ALL ? GIVEN_ALL_COPIED : GIVEN_PROMISED_COPIED);
	if (!plan || plan->handlers)
		heap_fork_child();	/* glibc has reset the list of streams */
	figures_reset((int)getpid());
	fork_layout_reset();
	if (plan && plan->late) {
		if (plan->kernel)
			cow_forked(getpid());	/* the parent will not learn who we are */
		end_late_plan(plan);
	}
}

static void find_register(void)
{
	/* Some library's constructor registers its own before ours ran. */
	if (!next.__register_atfork)
		next.__register_atfork = (int (*)(void (*)(void), void (*)(void), void (*)(void),
						  void *))dlsym(RTLD_NEXT, "__register_atfork");
}

/*
 * Without a handle of the library: with one, which is what pthread_atfork() gives, the C library
 * drops the handlers when our destructors have run, and threads and other destructors fork later.
 */
void fork_init(void)
{
	static struct lock lock;
	static bool done;

	if (__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		return;
	find_register();
	lock_take(&lock);
	if (!done && next.__register_atfork)
		next.__register_atfork(prepare, after_in_parent, after_in_child, NULL);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	lock_drop(&lock);
}

/* What pthread_atfork() comes down to, in every library by itself. */
HOOK int __register_atfork(void (*before)(void), void (*parent)(void), void (*child)(void),
			   void *library)
{
	fork_init();
	return next.__register_atfork(before, parent, child, library);
}

static void undo_refused(struct plan *plan)
{
	int status;

	while (plan->result > 0 && syscall(SYS_wait4, plan->result, &status, 0, NULL) < 0 &&
	       errno == EINTR)
		;
	plan->result = -1;
	plan->error = ENOMEM;
}

/* The fork itself, everything prepared. In the child it returns like in the parent. */
static void carry_out(struct plan *plan)
{
	plan->had_snapshot = plan->with_snapshot;
	current = plan;
	if (!plan->handlers)
		prepare();
	plan->result = plan->real();
	plan->error = errno;
	if (!plan->handlers)
		(plan->result ? after_in_parent : after_in_child)();
	current = NULL;
	if (plan->result == 0) {
		if (plan->kernel)
			cow_inherit(plan->parent);
	} else {
		if (plan->refused)
			undo_refused(plan);
		if (plan->result > 0 && plan->kernel)
			cow_forked(plan->result);
		if (plan->result > 0)
			fork_layout_forked(plan->kernel);
		count_fork(plan);
	}
	if (plan->had_snapshot)
		snapshot_end(&plan->snap);
}

static void on_other_stack(unsigned int high, unsigned int low)
{
	carry_out((struct plan *)((uintptr_t)high << 32 | low));
}

/*
 * The caller runs on a stack of ours (a coroutine): in the child that stack is a hole until the
 * snapshot lies over it, so nobody may be on it meanwhile.
 */
static void carry_out_elsewhere(struct plan *caller_plan)
{
	struct plan *plan;
	void *memory;

	caller_plan->error = -sys_map(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE,
				      &memory);
	if (caller_plan->error) {
		caller_plan->result = -1;
		snapshot_end(&caller_plan->snap);
		return;
	}
	plan = memory;
	*plan = *caller_plan;
	getcontext(&plan->forker);
	plan->forker.uc_stack.ss_sp = (char *)memory + sizeof(*plan);
	plan->forker.uc_stack.ss_size = STACK_BYTES - sizeof(*plan);
	plan->forker.uc_link = &plan->caller;
	makecontext(&plan->forker, (void (*)(void))on_other_stack, 2,
		    (unsigned int)((uintptr_t)plan >> 32), (unsigned int)(uintptr_t)plan);
	swapcontext(&plan->caller, &plan->forker);
	caller_plan->result = plan->result;
	caller_plan->error = plan->error;
	sys_unmap(memory, STACK_BYTES);
}

/* Nothing of ours is in the kernel's way; _Fork() may be called where no lock may be taken. */
static pid_t forked_plainly(pid_t (*real)(void), bool handlers)
{
	pid_t result;

	if (handlers)
		fork_layout_before_fork(false);
	result = real();
	if (result > 0 && fork_layout_forked(false))
		figures_add(&contig_stats.forks, 1);
	return result;
}

static pid_t forked(pid_t (*real)(void), bool handlers)
{
	struct plan plan = { .real = real, .handlers = handlers, .parent = getpid() };
	bool on_zone = range_owns(&zone, __builtin_frame_address(0));
	int saved = errno, ret;
	sigset_t all;

	fork_init();
	if (init_phase() != INIT_SERVING || !has_huge_memory())
		return forked_plainly(real, handlers);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &plan.signals);
	ret = choose(&plan);
	if (ret) {
		figures_add(&contig_stats.fork_refusals, 1);
		plan.result = -1;
		plan.error = -ret;
	} else {
		fork_layout_before_fork(plan.kernel);
		if (on_zone && plan.with_snapshot)
			carry_out_elsewhere(&plan);
		else
			carry_out(&plan);
	}
	pthread_sigmask(SIG_SETMASK, &plan.signals, NULL);
	errno = plan.result < 0 ? plan.error : saved;
	return plan.result;
}

HOOK pid_t fork(void)
{
	return forked(next_fork, true);
}

HOOK pid_t _Fork(void)
{
	return forked(next_plain_fork, false);
}
