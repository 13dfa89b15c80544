/* SPDX-License-Identifier: MIT */
/*
 * While threads map, protect, drop and unmap parts of large memory, others write to neighbouring
 * parts of the same huge pages: no write is lost, nobody crashes or hangs.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <time.h>

#include "mmap_area.h"

#define RW (PROT_READ | PROT_WRITE)

enum {
	PAIRS = 3,
	WORDS = 16,
	REGION = 4 * 1024 * 1024 + 2 * PAGE,
	STRIDE = REGION / WORDS / PAGE * PAGE,	/* one page of each stride is the writer's */
	MILLISECONDS = 3000,
};

/* One thread that alters, one that writes. */
struct pair {
	char *_Atomic region;	/* what the writer is to write to; NULL: stop */
	_Atomic bool idle;	/* it has stopped */
	uint64_t count[WORDS];	/* what it has written */
	uint64_t seed, lost, writes, rounds, refused;
};

static struct pair pairs[PAIRS];
static _Atomic bool stop;

static uint64_t *writers_word(char *region, int i)
{
	return (uint64_t *)(region + (size_t)i * STRIDE + 64);
}

static void *write_on(void *arg)
{
	struct pair *pair = arg;
	char *region;

	while (!stop) {
		region = pair->region;
		pair->idle = !region;
		for (int i = 0; region && i < WORDS; i++) {
			volatile uint64_t *word = writers_word(region, i);

			pair->lost += *word != pair->count[i];
			*word = ++pair->count[i];
			pair->writes++;
		}
		if (!region)
			sched_yield();
	}
	pair->idle = true;
	return NULL;
}

/* A page, or a few, of one stride, never the writer's. Some are refused: never half done. */
static void alter(struct pair *pair, char *region)
{
	uint64_t random = pattern_random(&pair->seed);
	char *at = region + random % WORDS * STRIDE + PAGE * (1 + (random >> 8) % 8);
	size_t bytes = PAGE * (1 + (random >> 16) % 4);
	int ret = 0;

	switch (random >> 24 & 7) {
	case 0: ret = mprotect(at, bytes, PROT_NONE); break;
	case 1: ret = mprotect(at, bytes, PROT_READ); break;
	case 2: ret = madvise(at, bytes, MADV_DONTNEED); break;
	case 3: ret = munmap(at, bytes); break;
	case 4: ret = madvise(at, bytes, MADV_DONTFORK); break;
	case 5: ret = madvise(at, bytes, MADV_FREE); break;
	case 6:
		ret = mmap(at, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at;
		break;
	default:
		ret = madvise(at, bytes, MADV_WIPEONFORK);
	}
	/* ENOMEM also where an earlier munmap has left a hole. */
	if (ret) {
		CHECK(errno == ENOMEM);
		pair->refused++;
	}
}

static void set_writer(struct pair *pair, char *region)
{
	pair->region = region;
	while (!region && !pair->idle && !stop)
		sched_yield();
}

static void round_on(struct pair *pair, bool from_malloc)
{
	char *region = from_malloc ? malloc(REGION) :
		       mmap(NULL, REGION, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!CHECK(region && region != MAP_FAILED))
		return;
	for (int i = 0; i < WORDS; i++)
		*writers_word(region, i) = pair->count[i] = pair->rounds;
	pair->idle = false;
	set_writer(pair, region);
	for (int i = 0; i < 6; i++)
		alter(pair, region);
	set_writer(pair, NULL);
	for (int i = 0; i < WORDS && pair->idle; i++)
		pair->lost += *writers_word(region, i) != pair->count[i];
	pair->rounds++;
	if (from_malloc) {
		free(region);
		malloc_trim(0);	/* or the next one would lie on what is ordinary by now */
	} else {
		CHECK(munmap(region, REGION) == 0);
	}
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void *alter_on(void *arg)
{
	struct pair *pair = arg;
	uint64_t end = now_ms() + MILLISECONDS;

	while (now_ms() < end)
		round_on(pair, pattern_random(&pair->seed) >> 40 & 1);
	return NULL;
}

static bool can_hold(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void run(void)
{
	pthread_t alterer[PAIRS], writer[PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		pairs[i].seed = 4711 + (uint64_t)i;
		pairs[i].idle = true;
		CHECK(!pthread_create(&writer[i], NULL, write_on, &pairs[i]));
		CHECK(!pthread_create(&alterer[i], NULL, alter_on, &pairs[i]));
	}
	for (int i = 0; i < PAIRS; i++)
		CHECK(!pthread_join(alterer[i], NULL));
	stop = true;
	for (int i = 0; i < PAIRS; i++) {
		CHECK(!pthread_join(writer[i], NULL));
		CHECK(pairs[i].lost == 0);
		CHECK(pairs[i].rounds > 10 && pairs[i].writes > 1000);
		printf("%llu rounds, %llu writes, %llu lost, %llu refused\n",
		       (unsigned long long)pairs[i].rounds, (unsigned long long)pairs[i].writes,
		       (unsigned long long)pairs[i].lost, (unsigned long long)pairs[i].refused);
	}
}

int main(void)
{
	served_prove();
	if (served_by("hugetlb") && !getenv("MMAP_THREADS")) {
		setenv("MMAP_THREADS", "1", 1);
		served_again("CONTIG_POLICY", "call=mmap,size=1M..: hugetlb-2M; "
			     "size=64K..: hugetlb-2M, thp, base");
		return 1;
	}
	if (!can_hold()) {
		printf("other threads' writes cannot be held without userfaultfd\n");
		return CHECK_SKIP;
	}
	run();
	if (served_by("hugetlb"))
		CHECK(served_stats->mmap_huge > 10);
	return check_result();
}
