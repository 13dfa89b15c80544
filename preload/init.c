/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config.h"
#include "figures.h"
#include "fork.h"
#include "heap.h"
#include "hooks.h"
#include "lock.h"
#include "log.h"
#include "next.h"
#include "place.h"
#include "stats.h"
#include "sys.h"
#include "zone.h"

uint64_t init_smallest;
struct policy init_policy;

static struct lock init_lock;
static enum init_phase phase;
static bool constructed;
static char program[256];

const char *init_program(void)
{
	return program;
}

/* The base name by the kernel's word; libc's own is not there yet at the first call. */
static void find_program(void)
{
	char path[4096];
	ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path,
				 sizeof(path) - 1);
	const char *name = (const char *)getauxval(AT_EXECFN);

	if (length > 0) {
		path[length] = '\0';
		name = path;
	}
	if (!name)
		return;
	if (strrchr(name, '/'))
		name = strrchr(name, '/') + 1;
	memcpy(program, name, strnlen(name, sizeof(program) - 1));
}

static void set_phase(enum init_phase to)
{
	__atomic_store_n(&phase, to, __ATOMIC_RELEASE);
}

void init_leave(const char *why)
{
	memcpy(contig_stats.why, why, strnlen(why, sizeof(contig_stats.why) - 1));
	contig_stats.serving = 0;
	__atomic_store_n(&init_smallest, 0, __ATOMIC_RELAXED);
	set_phase(INIT_LEAVING);
}

/* Step 1. Before the heap's first use. */
static void start_heap(void)
{
	log_init();
	zone_init();
	heap_init();
	set_phase(INIT_HEAP);
}

static const char *read_settings(void)
{
	const char *refusal;

	find_program();
	refusal = config_read(&init_policy, program);
	contig_stats.pid = (int32_t)getpid();
	contig_stats.start_ns = sys_now_ns();
	stats_init(&init_policy.settings);
	__atomic_store_n(&contig_stats.magic, CONTIG_STATS_MAGIC, __ATOMIC_RELEASE);
	return refusal;
}

/* Step 2. */
static void start_serving(void)
{
	const char *refusal = read_settings();

	if (refusal) {
		init_leave(refusal);
		return;
	}
	heap_set_pages(init_policy.settings.heap);
	place_init(init_policy.settings.retain, init_policy.settings.decay);
	contig_stats.serving = 1;
	set_phase(INIT_SERVING);
	__atomic_store_n(&init_smallest, init_policy.smallest, __ATOMIC_RELAXED);
}

static void advance(void)
{
	int saved = errno;

	lock_take(&init_lock);
	if (phase == INIT_UNBORN && next_sanitizer()) {
		init_leave("it runs under a sanitizer");
		constructed = true;
	} else if (phase == INIT_UNBORN) {
		start_heap();
	}
	if (phase == INIT_HEAP && environ)
		start_serving();
	lock_drop(&init_lock);
	errno = saved;
}

enum init_phase init_phase(void)
{
	enum init_phase now = __atomic_load_n(&phase, __ATOMIC_ACQUIRE);

	if (now < INIT_SERVING) {
		advance();
		now = __atomic_load_n(&phase, __ATOMIC_ACQUIRE);
	}
	/* Until the constructor has run, what the next functions are is not known. */
	return now == INIT_LEAVING && !constructed ? INIT_HEAP : now;
}

/*
 * Does another definition of malloc come before ours? A program that only takes malloc's address
 * has an undefined symbol of that name with the address of a stub, and the stub leads to us.
 */
static bool has_own_malloc(void)
{
	/* Not RTLD_DEFAULT: linked with -Bsymbolic, this library would find itself first. */
	void *everybody = dlopen(NULL, RTLD_LAZY);
	void *found = everybody ? dlsym(everybody, "malloc") : NULL;
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (!found || found == hooks_own_malloc())
		return false;
	return !dladdr1(found, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol ||
	       symbol->st_shndx != SHN_UNDEF;
}

/* 101 is the first a library may have; others' constructors allocate. */
__attribute__((constructor(101))) static void construct(void)
{
	int saved = errno;

	init_phase();
	next_load();
	fork_init();
	if (next.mmap && next.munmap && next.madvise && next.mprotect && next.mremap)
		sys_use_libc(&(struct sys_libc){
			.mmap = next.mmap, .munmap = next.munmap, .madvise = next.madvise,
			.mprotect = next.mprotect, .mremap = next.mremap,
		});
	if (phase == INIT_SERVING && has_own_malloc())
		init_leave("the program has a malloc of its own");
	if (phase == INIT_LEAVING && !contig_stats.magic) {
		log_init();
		read_settings();
	}
	if (!init_policy.settings.children)
		config_forget_preload();
	__atomic_store_n(&constructed, true, __ATOMIC_RELEASE);
	errno = saved;
}
