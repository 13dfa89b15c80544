/* SPDX-License-Identifier: MIT */
/*
 * The functions behind our own: what a program would have got without us. Looked up once, in the
 * constructor: dlsym() takes the loader's lock, and a malloc that waited for it while another
 * thread, inside dlopen(), waited for malloc would hang.
 */
#ifndef PRELOAD_NEXT_H
#define PRELOAD_NEXT_H

#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

#define NEXT_FUNCTIONS(X)							\
	X(void *, malloc, (size_t bytes))					\
	X(void *, calloc, (size_t count, size_t bytes))				\
	X(void *, realloc, (void *p, size_t bytes))				\
	X(void, free, (void *p))						\
	X(int, posix_memalign, (void **out, size_t align, size_t bytes))	\
	X(void *, memalign, (size_t align, size_t bytes))			\
	X(size_t, malloc_usable_size, (void *p))				\
	X(int, malloc_trim, (size_t pad))					\
	X(int, malloc_info, (int options, FILE *stream))			\
	X(void, malloc_stats, (void))						\
	X(int, mallopt, (int key, int value))					\
	X(struct mallinfo, mallinfo, (void))					\
	X(struct mallinfo2, mallinfo2, (void))					\
	X(pid_t, fork, (void))							\
	X(pid_t, _Fork, (void))							\
	X(int, pthread_create, (pthread_t *thread, const pthread_attr_t *attr,	\
				void *(*start)(void *), void *arg))		\
	X(size_t, __pthread_get_minstack, (const pthread_attr_t *attr))		\
	X(int, __register_atfork, (void (*before)(void), void (*parent)(void),	\
				   void (*child)(void), void *library))		\
	X(void *, mmap, (void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)) \
	X(int, munmap, (void *addr, size_t bytes))				\
	X(int, madvise, (void *addr, size_t bytes, int advice))			\
	X(int, mprotect, (void *addr, size_t bytes, int prot))			\
	X(void *, mremap, (void *addr, size_t old_bytes, size_t new_bytes, int flags, ...)) \
	X(int, setrlimit, (int resource, const struct rlimit *limit))		\
	X(int, prlimit, (pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old)) \
	X(int, prctl, (int option, ...))

struct next {
#define NEXT_FIELD(result, name, args) result (*name) args;
	NEXT_FUNCTIONS(NEXT_FIELD)
#undef NEXT_FIELD
};

/* Every field is NULL until next_load(), and stays so where there is no such function. */
extern struct next next;

/*
 * next_sanitizer - a sanitizer's runtime is a library here: its malloc, by its second name
 * Such a program must be left alone from the first call on, for until its runtime has begun, even
 * libc's functions lead nowhere. Context: the first call.
 * Return: true: the allocating functions of next are set.
 */
bool next_sanitizer(void);

/* next_load - Context: the constructor, no lock held. */
void next_load(void);

#endif
