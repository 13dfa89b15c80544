/* SPDX-License-Identifier: MIT */
/*
 * The one kind of lock in the library: a futex word that needs no initialiser, no libc, and can
 * simply be set free in a child. States: 0 free, 1 held, 2 held and somebody waits.
 */
#ifndef BACKING_LOCK_H
#define BACKING_LOCK_H

#include "sys.h"

struct lock {
	uint32_t word;
};

/*
 * How many locks the calling thread holds, is about to take, or has just let go: what a signal
 * handler must know before it takes one.
 */
extern __thread unsigned int lock_depth
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void lock_count(unsigned int more)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&lock_depth, lock_depth + more, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline bool lock_grab(struct lock *lock)
{
	uint32_t free_word = 0;

	return __atomic_compare_exchange_n(&lock->word, &free_word, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline bool lock_try(struct lock *lock)
{
	lock_count(1);
	if (lock_grab(lock))
		return true;
	lock_count(-1u);
	return false;
}

static inline void lock_take(struct lock *lock)
{
	lock_count(1);
	if (lock_grab(lock))
		return;
	for (int spin = 0; spin < 100; spin++) {
		if (!__atomic_load_n(&lock->word, __ATOMIC_RELAXED) && lock_grab(lock))
			return;
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
	while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0)
		sys_wait(&lock->word, 2);
}

static inline void lock_drop(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2)
		sys_wake_one(&lock->word);
	lock_count(-1u);
}

/*
 * lock_reset - make it free, whoever held it; lock_depth is the caller's to put right
 * Context: in a child that has one thread only.
 */
static inline void lock_reset(struct lock *lock)
{
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

#endif
