/* SPDX-License-Identifier: MIT */
/*
 * main() ends with pthread_exit(); its threads go on with its memory, and with their own until
 * the last of their destructors.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

enum { THREADS = 4 };

static char *from_main[THREADS];
static pthread_key_t key;
static atomic_int destroyed, ended;

/* libstdc++'s way to have thread_local objects destroyed. */
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *dso);
extern void *__dso_handle __attribute__((visibility("hidden")));

static void destroy(void *p)
{
	char *more = malloc(3 * MIB);

	CHECK(pattern_holds(p, 2 * MIB, 9));
	free(p);
	pattern_write(more, 3 * MIB, 1);
	more = realloc(more, 100);
	CHECK(pattern_holds_upto(more, 100, 3 * MIB, 1));
	free(more);
	free(calloc(1, 5 * MIB));
	atomic_fetch_add(&destroyed, 1);
}

static char *marked(void)
{
	char *p = malloc(2 * MIB);

	pattern_write(p, 2 * MIB, 9);
	return p;
}

static void *outlive(void *arg)
{
	char **mine = arg;

	pthread_setspecific(key, marked());
	__cxa_thread_atexit_impl(destroy, marked(), &__dso_handle);
	nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
	CHECK(pattern_holds(*mine, 4 * MIB, (uint64_t)(mine - from_main)));
	for (int i = 0; i < 50; i++) {
		*mine = realloc(*mine, (size_t)(5 + i % 3) * MIB);
		CHECK(pattern_holds_upto(*mine, 4 * MIB - 8, 4 * MIB,
					 (uint64_t)(mine - from_main)));
		free(malloc(100 + (size_t)i));
	}
	free(*mine);
	atomic_fetch_add(&ended, 1);
	return NULL;
}

static void *outlive_all(void *arg)
{
	for (int i = 0; i < 400 && atomic_load(&destroyed) < 2 * THREADS; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
	CHECK(atomic_load(&ended) == THREADS);
	CHECK(atomic_load(&destroyed) == 2 * THREADS);
	free(malloc(6 * MIB));
	exit(check_result());
}

int main(void)
{
	pthread_t thread;

	served_prove();
	pthread_key_create(&key, destroy);
	for (int i = 0; i < THREADS; i++) {
		from_main[i] = malloc(4 * MIB);
		pattern_write(from_main[i], 4 * MIB, (uint64_t)i);
		pthread_create(&thread, NULL, outlive, &from_main[i]);
	}
	pthread_create(&thread, NULL, outlive_all, NULL);
	pthread_exit(NULL);
}
