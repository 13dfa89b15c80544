/* SPDX-License-Identifier: MIT */
/*
 * fragment --share F | --limit SIZE [--stride SIZE] [--pin WAY] [-- COMMAND...] - make a
 * fragmented machine, and hold it until standard input closes, a signal comes or COMMAND ends.
 *
 * One 4 KiB page a stride is kept of block after block of 2 MiB, and pinned, as a network card
 * pins what a program registers: nearly all memory stays free, but no block of 2 MiB is whole, and
 * compaction cannot mend that.
 */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fragment_pin.h"

#define BLOCK_BYTES (2 * BENCH_MIB)
#define FALLBACKS_MOST 8u	/* faults that got no block: there are none left */
#define LOOK_BLOCKS 64u		/* signals and MemAvailable are looked at once in as many */
#define SPARE_SHARE 16u		/* a sixteenth of the memory is left available, and */
#define SPARE_BYTES (256 * BENCH_MIB)	/* at least as much */

extern char **environ;

static struct {
	size_t stride_bytes, limit_bytes;
	char *area;
	size_t blocks, pages;
	const char *stopped;	/* why no more were broken */
	int signals;		/* signalfd of HUP, INT, TERM and CHLD */
} run;

__attribute__((noreturn)) static void fragment_misuse(const char *what)
{
	fprintf(stderr, "fragment: %s\n"
		"usage: fragment --share F | --limit SIZE [--stride SIZE] [--pin WAY] [-- COMMAND...]\n"
		"  --share F      break blocks of F (0.01 to 1) of the machine's memory; 1: all there are\n"
		"  --limit SIZE   break SIZE of blocks, at most: 512M, 4G\n"
		"  --stride SIZE  one pinned page in SIZE: a power of two from 8K to 2M (2M)\n"
		"  --pin WAY      io_uring, vmsplice, none, or auto: the first that works\n"
		"Holds until standard input closes, HUP, INT or TERM comes, or COMMAND ends.\n"
		"exit status: 0 done, or COMMAND's; 1 failed; 2 used wrongly; 128 + signal\n", what);
	exit(2);
}

/* A line "KEY:  N kB" of /proc/meminfo, in bytes; 0 if there is none. */
static uint64_t fragment_meminfo(const char *key)
{
	FILE *in = fopen("/proc/meminfo", "re");
	uint64_t kib = 0;
	char line[128];

	while (in && fgets(line, sizeof(line), in))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			kib = strtoull(line + strlen(key) + 1, NULL, 10);
	if (in)
		fclose(in);
	return kib * 1024;
}

/* Free blocks of 2 MiB, those of larger ones counted, from /proc/buddyinfo. */
static uint64_t fragment_free_blocks(void)
{
	FILE *in = fopen("/proc/buddyinfo", "re");
	uint64_t blocks = 0;
	char line[512];

	while (in && fgets(line, sizeof(line), in)) {
		char *at = strstr(line, "zone"), *end;
		uint64_t bytes = BENCH_PAGE_BYTES;

		at = at ? strchr(at + 4 + strspn(at + 4, " "), ' ') : NULL;
		for (; at; bytes *= 2, at = end) {
			uint64_t count = strtoull(at, &end, 10);

			if (end == at)
				break;
			blocks += count * (bytes / BLOCK_BYTES);
		}
	}
	if (in)
		fclose(in);
	return blocks;
}

static size_t fragment_parse_size(const char *text, const char *what)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (end == text || errno || *text == '-' || value >> 40)
		fragment_misuse(what);
	switch (*end) {
	case 'G': value <<= 10;	/* fall through */
	case 'M': value <<= 10;	/* fall through */
	case 'K': value <<= 10; end++;	/* fall through */
	default: break;
	}
	if (*end)
		fragment_misuse(what);
	return value;
}

static size_t fragment_parse_share(const char *text)
{
	double share;
	char *end;

	share = strtod(text, &end);
	if (end == text || *end || !(share >= 0.01 && share <= 1))
		fragment_misuse("--share: a number from 0.01 to 1");
	/* All of it: until none is left, though compaction makes a new block of broken ones. */
	return (size_t)(share < 1 ? share * (double)fragment_meminfo("MemTotal") :
			2 * (double)fragment_meminfo("MemTotal"));
}

static void fragment_parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "share", required_argument, NULL, 's' },
		{ "limit", required_argument, NULL, 'l' },
		{ "stride", required_argument, NULL, 't' },
		{ "pin", required_argument, NULL, 'p' },
		{ 0 },
	};
	int option;

	run.stride_bytes = BLOCK_BYTES;
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 's': run.limit_bytes = fragment_parse_share(optarg); break;
		case 'l': run.limit_bytes = fragment_parse_size(optarg, "--limit: a size"); break;
		case 't': run.stride_bytes = fragment_parse_size(optarg, "--stride: a size"); break;
		case 'p':
			if (pin_choose(optarg))
				fragment_misuse("--pin: io_uring, vmsplice, none or auto");
			break;
		default: fragment_misuse("unknown option, or one without its value");
		}
	}
	if (run.stride_bytes < 2 * BENCH_PAGE_BYTES || run.stride_bytes > BLOCK_BYTES ||
	    run.stride_bytes & (run.stride_bytes - 1))
		fragment_misuse("--stride: a power of two from 8K to 2M");
	if (run.limit_bytes < BLOCK_BYTES)
		fragment_misuse("--share or --limit: 2M at least");
	if (optind < argc && strcmp(argv[optind - 1], "--"))
		fragment_misuse("a command comes after --");
	run.limit_bytes = run.limit_bytes / BLOCK_BYTES * BLOCK_BYTES;
}

/* Addresses for all blocks, aligned. Not for a child of ours: fork copies pinned pages. */
static void fragment_map(void)
{
	char *start = mmap(NULL, run.limit_bytes + BLOCK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		bench_fail("fragment: mmap");
	run.area = (char *)(((uintptr_t)start + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1));
	madvise(run.area, run.limit_bytes, MADV_DONTFORK);
	if (madvise(run.area, run.limit_bytes, MADV_HUGEPAGE))
		bench_fail("fragment: this kernel has no transparent huge pages: MADV_HUGEPAGE");
}

/*
 * Wait for a signal, or for the end of standard input if @watch_input.
 * Return: the signal; 0: the end of input; -1: neither within @timeout_ms (-1: no limit).
 */
static int fragment_wait(int timeout_ms, bool watch_input)
{
	struct pollfd wait[2] = { { run.signals, POLLIN, 0 },
				  { watch_input ? STDIN_FILENO : -1, POLLIN, 0 } };
	struct signalfd_siginfo info;
	char waste[256];

	while (poll(wait, 2, timeout_ms) > 0) {
		if (wait[0].revents)
			return read(run.signals, &info, sizeof(info)) == sizeof(info) ?
			       (int)info.ssi_signo : -1;
		if (wait[1].revents && read(STDIN_FILENO, waste, sizeof(waste)) <= 0)
			return 0;
	}
	return -1;
}

static uint64_t fragment_spare(void)
{
	uint64_t spare = fragment_meminfo("MemTotal") / SPARE_SHARE;

	return spare > SPARE_BYTES ? spare : SPARE_BYTES;
}

/*
 * Take one block, give back all of it but a page a stride. MADV_FREE of one page is what splits
 * the huge page: without, what is given back stays part of it until memory runs short.
 * Return: was there a block to be had?
 */
static bool fragment_break(char *block)
{
	unsigned char last = 0;

	*(volatile char *)block = 1;
	/* The last page is there already if the first brought the whole block with it. */
	if (mincore(block + BLOCK_BYTES - BENCH_PAGE_BYTES, BENCH_PAGE_BYTES, &last) || !(last & 1)) {
		madvise(block, BLOCK_BYTES, MADV_DONTNEED);
		return false;
	}
	/* Or khugepaged, which looks at eight blocks in one go, makes huge pages of them again. */
	if (madvise(block, BLOCK_BYTES, MADV_NOHUGEPAGE))
		bench_fail("fragment: madvise(MADV_NOHUGEPAGE)");
	madvise(block + BENCH_PAGE_BYTES, BENCH_PAGE_BYTES, MADV_FREE);
	for (size_t at = 0; at < BLOCK_BYTES; at += run.stride_bytes)
		if (madvise(block + at + BENCH_PAGE_BYTES, run.stride_bytes - BENCH_PAGE_BYTES,
			    MADV_DONTNEED))
			bench_fail("fragment: madvise(MADV_DONTNEED)");
	return true;
}

/* Return: 0, or the signal that came meanwhile. */
static int fragment_break_all(void)
{
	uint64_t spare_bytes = fragment_spare();
	unsigned int fallbacks = 0;

	run.stopped = "limit";
	for (size_t at = 0; at < run.limit_bytes; at += BLOCK_BYTES) {
		int number;

		if (at / BLOCK_BYTES % LOOK_BLOCKS == 0) {
			number = fragment_wait(0, false);
			if (number > 0)
				return number;
			if (fragment_meminfo("MemAvailable") < spare_bytes) {
				run.stopped = "memory available";
				break;
			}
		}
		if (!fragment_break(run.area + at)) {
			run.stopped = "no free block of 2 MiB";
			if (++fallbacks == FALLBACKS_MOST)
				break;
			continue;
		}
		run.stopped = "limit";
		run.blocks++;
		for (size_t page = 0; page < BLOCK_BYTES; page += run.stride_bytes, run.pages++)
			pin_add(run.area + at + page);
	}
	pin_flush();
	return 0;
}

static void fragment_print(uint64_t blocks_before, uint64_t start_ns)
{
	printf("{\"blocks\": %zu, \"pages\": %zu, \"held_mib\": %.1f, \"pinned_by\": \"%s\", "
	       "\"stopped_by\": \"%s\", \"free_blocks_before\": %" PRIu64 ", "
	       "\"free_blocks\": %" PRIu64 ", \"seconds\": %.1f}\n", run.blocks, run.pages,
	       (double)(run.pages * BENCH_PAGE_BYTES) / BENCH_MIB, pin_way(), run.stopped,
	       blocks_before, fragment_free_blocks(), (double)(bench_now_ns() - start_ns) / 1e9);
	fflush(stdout);
}

/* Run the command with the signals as they were. Return: its status, or 128 + a signal's number. */
static int fragment_run(char **argv)
{
	posix_spawnattr_t attributes;
	sigset_t none;
	int status, error, number;
	pid_t child;

	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	error = posix_spawnp(&child, argv[0], NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (error) {
		fprintf(stderr, "fragment: %s: %s\n", argv[0], strerror(error));
		return error == ENOENT ? 127 : 126;
	}
	for (;;) {
		number = fragment_wait(-1, false);
		if (number > 0 && number != SIGCHLD)
			kill(child, number);
		if (number == SIGCHLD && waitpid(child, &status, WNOHANG) == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static void fragment_catch(void)
{
	sigset_t caught;

	sigemptyset(&caught);
	sigaddset(&caught, SIGHUP);
	sigaddset(&caught, SIGINT);
	sigaddset(&caught, SIGTERM);
	sigaddset(&caught, SIGCHLD);
	sigprocmask(SIG_BLOCK, &caught, NULL);
	run.signals = signalfd(-1, &caught, SFD_CLOEXEC);
	if (run.signals < 0)
		bench_fail("fragment: signalfd");
}

/* A ring or two pipes for each few hundred pages: as many descriptors as there may be. */
static void fragment_raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
	uint64_t start_ns = bench_now_ns(), blocks_before;
	int status = 0, number;

	fragment_parse(argc, argv);
	fragment_catch();
	fragment_raise_files();
	pin_begin(BLOCK_BYTES / run.stride_bytes);
	fragment_map();
	blocks_before = fragment_free_blocks();
	number = fragment_break_all();
	if (!number) {
		fragment_print(blocks_before, start_ns);
		if (optind < argc)
			status = fragment_run(argv + optind);
		else
			while ((number = fragment_wait(-1, true)) < 0 || number == SIGCHLD)
				;
	}
	/* The kernel would do it, too, but some time after this process is gone. */
	pin_release();
	munmap(run.area, run.limit_bytes);
	return number ? 128 + number : status;
}
