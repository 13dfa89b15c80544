/* SPDX-License-Identifier: MIT */
/*
 * Fifty operations that programs do on 4 KiB pages have on our memory the result that they have
 * on plain memory: return value, errno, contents, protection, neighbours. Where no interposer can
 * come in between, or malloc's memory has to stay where it is, the table says the difference.
 * timeout: 300
 */
#include <pthread.h>

#include "mmap_operations.h"

struct outcome {
	long ret;
	int error;
	uint64_t detail;
	size_t bytes;
	uint8_t seen[AREA_PAGES_MOST];
};

static struct outcome *seen_plain, *seen_here;	/* shared with the children */

struct run {
	const struct op *op;
	enum area_kind kind;
	bool huge;		/* its memory is on huge pages of a pool */
	bool threads;
};

static void *wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void perform(void *arg)
{
	const struct run *run = arg;
	struct outcome *out = run->kind == AREA_PLAIN ? seen_plain : seen_here;
	pthread_t thread;
	struct area area;

	if (run->threads && !CHECK(!pthread_create(&thread, NULL, wait_for_ever, NULL)))
		return;
	if (!area_begin(&area, run->kind, run->op->bytes ? run->op->bytes : AREA_BYTES))
		return;
	memset(out, 0, sizeof(*out));
	detail = 0;
	errno = 0;
	out->ret = run->op->run(&area);
	out->error = out->ret < 0 ? errno : 0;
	out->detail = detail;
	out->bytes = area.bytes;
	area_look_at_all(&area, out->seen);
	CHECK(area_neighbours_intact(&area));
	/* What passed the library by, the program has to put back before it frees. */
	if (run->op->run == pkey_4k)
		CHECK(mprotect(area.base + MIDDLE, PAGE, RW) == 0);
	if (run->op->run != seal_4k || area_is_malloc(&area))
		area_end(&area);
}

static bool has_other_result(const struct run *run)
{
	unsigned int who = 0;

	if (run->kind == AREA_MMAP)
		who = run->huge ? HUGE_MMAP : 0;
	else
		who = MALLOC | (run->huge ? HUGE_MALLOC : 0);
	if (run->kind == AREA_MALLOC && run->huge)
		who |= HUGE_PARTS;
	return run->op->who & who;
}

static bool as_on_plain_memory(const struct run *run)
{
	const struct outcome *a = seen_plain, *b = seen_here;

	return a->ret == b->ret && a->error == b->error && a->detail == b->detail &&
	       a->bytes == b->bytes && !memcmp(a->seen, b->seen, sizeof(a->seen));
}

static void tell(const struct run *run)
{
	const struct outcome *a = seen_plain, *b = seen_here;
	size_t page = 0;

	while (page < AREA_PAGES_MOST - 1 && a->seen[page] == b->seen[page])
		page++;
	fprintf(stderr, "%s, kind %d%s: %ld (%s) saw %#llx, plain %ld (%s) saw %#llx; page %zu: "
		"%#x, plain %#x\n", run->op->name, run->kind, run->threads ? ", threads" : "",
		b->ret, strerror(b->error), (unsigned long long)b->detail, a->ret,
		strerror(a->error), (unsigned long long)a->detail, page, b->seen[page],
		a->seen[page]);
}

static void compare(const struct run *run)
{
	int error = run->kind == AREA_MMAP && run->op->mmap_error ? run->op->mmap_error :
								   run->op->error;
	bool right;

	if (!CHECK(child_ended_well(child_start(perform, (void *)run)))) {
		fprintf(stderr, "it was: %s, kind %d\n", run->op->name, run->kind);
		return;
	}
	if (!has_other_result(run) || seen_plain->error == EPERM ||
	    seen_plain->error == ENOSYS)
		right = as_on_plain_memory(run);
	else if (error == DETAIL)
		right = seen_here->ret == seen_plain->ret && seen_here->detail != seen_plain->detail;
	else
		right = seen_here->ret == -1 && seen_here->error == error;
	if (!CHECK(right))
		tell(run);
}

static void run_all(unsigned int kinds, bool huge, bool threads)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		struct run run = { &ops[i], AREA_PLAIN, huge, threads };

		if (!CHECK(child_ended_well(child_start(perform, &run)))) {
			fprintf(stderr, "on plain memory: %s\n", ops[i].name);
			continue;
		}
		for (run.kind = AREA_MMAP; run.kind < AREA_KINDS; run.kind++)
			if (kinds & 1u << run.kind)
				compare(&run);
	}
}

/* Other threads are held by userfaultfd, if the machine lets us. */
static bool can_hold(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(void)
{
	const unsigned int mallocs = 1u << AREA_MALLOC | 1u << AREA_MEMALIGN;
	const char *pass = getenv("MMAP_OPS_PASS");
	bool huge = served_by("hugetlb"), by_rule = pass && huge;

	served_prove();
	seen_plain = (struct outcome *)area_raw(2 * sizeof(*seen_plain), MAP_SHARED);
	seen_here = seen_plain + 1;
	if (by_rule) {
		run_all(1u << AREA_MMAP, true, false);
		if (can_hold())
			run_all(1u << AREA_MMAP, true, true);
	} else {
		run_all(mallocs, huge, false);
		if (!pass)
			run_all(1u << AREA_MMAP, false, false);
		if (huge && can_hold())
			run_all(1u << AREA_MALLOC, true, true);
	}
	if (pass || check_result())
		return check_result();
	/* Once more: mmap on huge pages by rule, or malloc on 4 KiB pages. */
	setenv("MMAP_OPS_PASS", "2", 1);
	served_again("CONTIG_POLICY", huge ?
		     "call=mmap,size=1M..: hugetlb-2M!; size=64K..: hugetlb-2M, thp, base" :
		     served_by("thp") ? "size=64K..: thp!" : "size=64K..: base!");
	return 1;
}
