/* SPDX-License-Identifier: MIT */
/*
 * Threads allocate, resize, exchange and free buffers of 64 KiB to 8 MiB: nobody's contents are
 * ever somebody else's, and what the process costs stays near what is live.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

enum { THREADS = 4, SLOTS = 12, SECONDS = 3 };

struct buffer {
	char *p;
	size_t bytes;
	uint64_t seed;
};

/* Taken out and put back by exchange, so that each buffer has one owner at a time. */
static _Atomic(struct buffer *) slot[SLOTS];
static atomic_size_t live, peak_live;
static atomic_bool stop;
static atomic_uint rounds;

static size_t random_size(uint64_t *state)
{
	size_t top = (size_t)64 * KIB << pattern_random(state) % 7;

	return top + pattern_random(state) % top;
}

static void account(size_t less, size_t more)
{
	size_t now = atomic_fetch_add(&live, more - less) + more - less;
	size_t peak = atomic_load(&peak_live);

	while (now > peak && !atomic_compare_exchange_weak(&peak_live, &peak, now))
		;
}

static void write_anew(struct buffer *one, uint64_t seed)
{
	one->seed = seed;
	pattern_write(one->p, one->bytes, seed);
}

static void end(struct buffer *one)
{
	if (!one)
		return;
	CHECK(pattern_holds(one->p, one->bytes, one->seed));
	account(one->bytes, 0);
	free(one->p);
	free(one);
}

static struct buffer *begin(uint64_t *state)
{
	struct buffer *one = malloc(sizeof(*one));

	one->bytes = random_size(state);
	account(0, one->bytes);
	if (pattern_random(state) % 4) {
		one->p = malloc(one->bytes);
	} else {
		one->p = calloc(1, one->bytes);
		CHECK(pattern_is_zero(one->p, one->bytes));
	}
	write_anew(one, pattern_random(state));
	return one;
}

static void resize(struct buffer *one, uint64_t *state)
{
	size_t bytes = random_size(state), same = bytes < one->bytes ? bytes : one->bytes;

	CHECK(pattern_holds(one->p, one->bytes, one->seed));
	account(0, bytes);	/* both may be there for a moment */
	one->p = realloc(one->p, bytes);
	account(one->bytes, 0);
	CHECK(pattern_holds_upto(one->p, same, one->bytes, one->seed));
	one->bytes = bytes;
	write_anew(one, one->seed + 1);
}

static void *churn(void *arg)
{
	uint64_t state = 77 + (uintptr_t)arg;
	struct buffer *one;

	while (!atomic_load(&stop)) {
		one = atomic_exchange(&slot[pattern_random(&state) % SLOTS], NULL);
		if (one && pattern_random(&state) % 3 == 0) {
			resize(one, &state);
		} else {
			end(one);
			one = begin(&state);
		}
		end(atomic_exchange(&slot[pattern_random(&state) % SLOTS], one));
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

int main(void)
{
	size_t before, slack, most = 0;
	pthread_t thread[THREADS];

	served_prove();
	before = served_footprint();
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, churn, (void *)i);
	for (int i = 0; i < SECONDS * 20; i++) {
		size_t now = served_footprint();

		most = now > most ? now : most;
		nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < SLOTS; i++)
		end(atomic_load(&slot[i]));
	printf("%u rounds, peak live %zu MiB, peak footprint %zu MiB, %zu MiB before\n",
	       atomic_load(&rounds), atomic_load(&peak_live) / MIB, most / MIB, before / MIB);
	CHECK(atomic_load(&rounds) > 500);
	/*
	 * 16 MiB may always be kept, however little is live. Without a rule what is below 1 MiB is
	 * jemalloc's, which keeps more.
	 */
	slack = served_by("none") ? 32 * MIB : 16 * MIB;
	CHECK(most - before < atomic_load(&peak_live) * 5 / 4 + slack);
	return check_result();
}
