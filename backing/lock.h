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

static inline bool lock_try(struct lock *lock)
{
	uint32_t free_word = 0;

	return __atomic_compare_exchange_n(&lock->word, &free_word, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void lock_take(struct lock *lock)
{
	if (lock_try(lock))
		return;
	for (int spin = 0; spin < 100; spin++) {
		if (!__atomic_load_n(&lock->word, __ATOMIC_RELAXED) && lock_try(lock))
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
}

/* lock_reset - make it free. Context: in a child that has one thread only. */
static inline void lock_reset(struct lock *lock)
{
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

#endif
