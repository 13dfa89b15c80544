/* SPDX-License-Identifier: MIT */
/*
 * Threads use stdio and malloc all the time while main() forks: the locks of fork(), of stdio's
 * list of streams and of the allocator are taken in one order, or this hangs.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "child.h"
#include "served.h"

enum { FORKS = 300, THREADS = 4, WATCHDOG_SECONDS = 60 };

static atomic_bool stop;
static atomic_uint rounds[THREADS];

static void read_a_line(void)
{
	FILE *stream = fopen("/proc/self/status", "r");
	char *line = NULL;
	size_t room = 0;

	CHECK(stream && getline(&line, &room, stream) > 0);
	fclose(stream);
	free(line);
}

static void write_to_memory(void)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	fprintf(stream, "%s %d\n", "some text", 42);
	fclose(stream);
	CHECK(bytes == 13);
	free(text);
}

static void *work(void *arg)
{
	uintptr_t which = (uintptr_t)arg;

	while (!atomic_load(&stop)) {
		switch (which) {
		case 0:
			read_a_line();
			break;
		case 1:
			write_to_memory();
			break;
		case 2:
			fflush(NULL);
			break;
		default:
			free(malloc(100));
			free(malloc(2 * MIB));
		}
		atomic_fetch_add(&rounds[which], 1);
	}
	return NULL;
}

static void be_a_child(void *arg)
{
	read_a_line();
	write_to_memory();
	fflush(NULL);
	free(malloc(3 * MIB));
}

int main(void)
{
	pthread_t thread[THREADS];
	char *kept;

	served_prove();
	kept = malloc(4 * MIB);
	memset(kept, 1, 4 * MIB);
	alarm(WATCHDOG_SECONDS);	/* in the children child_begin() sets it anew */
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, work, (void *)i);
	for (int i = 0; i < FORKS; i++)
		if (!CHECK(child_ended_well(child_start(be_a_child, NULL))))
			break;
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		CHECK(atomic_load(&rounds[i]) > 20);
	}
	free(kept);
	return check_result();
}
