/* SPDX-License-Identifier: MIT */
/*
 * A thread writes while main() forks: what the child has is the memory of one moment. The writer
 * numbers its writes and goes round over words in two large buffers, so that the child can tell
 * whether it has all writes up to one, and none after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "check.h"
#include "child.h"
#include "served.h"

enum { WORDS = 64, FORKS = 30 };

static atomic_uint_fast64_t *word[WORDS];	/* each on a page of its own */
static atomic_bool stop;
static atomic_uint_fast64_t written;

static void *keep_writing(void *arg)
{
	for (uint64_t n = WORDS; !atomic_load(&stop); n++) {
		atomic_store(word[n % WORDS], n);
		atomic_store(&written, n);
	}
	return NULL;
}

/* The newest write is n; then the others must be n - 1, n - 2, ... n - WORDS + 1. */
static void look(void *arg)
{
	uint64_t newest = 0;

	for (int i = 0; i < WORDS; i++)
		if (atomic_load(word[i]) > newest)
			newest = atomic_load(word[i]);
	for (uint64_t n = newest - WORDS + 1; n <= newest; n++)
		if (!CHECK(atomic_load(word[n % WORDS]) == n)) {
			fprintf(stderr, "newest %llu, word of %llu is %llu\n",
				(unsigned long long)newest, (unsigned long long)n,
				(unsigned long long)atomic_load(word[n % WORDS]));
			return;
		}
}

static bool has_userfaultfd(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(void)
{
	char *one, *other;
	pthread_t writer;

	served_prove();
	one = malloc(8 * MIB);
	other = malloc(8 * MIB);
	for (int i = 0; i < WORDS; i++) {
		word[i] = (atomic_uint_fast64_t *)((i % 2 ? one : other) + (size_t)i * 100 * KIB);
		atomic_store(word[i], (uint64_t)i);
	}
	pthread_create(&writer, NULL, keep_writing, NULL);
	for (int i = 0; i < FORKS; i++) {
		uint64_t before = atomic_load(&written);

		while (atomic_load(&written) == before)
			;
		if (!CHECK(child_ended_well(child_start(look, NULL))))
			break;
	}
	atomic_store(&stop, true);
	pthread_join(writer, NULL);
	if (check_result() || getenv("CONTIG_FORK"))
		return check_result();
	if (served_by("hugetlb") && !has_userfaultfd()) {
		puts("userfaultfd is not permitted: snapshots do not hold writers here");
		return CHECK_SKIP;
	}
	served_again("CONTIG_FORK", "snapshot");
	return 1;
}
