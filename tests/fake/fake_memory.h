/* SPDX-License-Identifier: MIT */
/*
 * What is mapped on the fake machine, and its pools of huge pages. Guarded by fake_sys.c's lock.
 */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void fake_memory_reset(void);
void fake_memory_set_pool(uint64_t page_bytes, uint64_t pages);
uint64_t fake_memory_pool_free(uint64_t page_bytes);
/* fake_memory_pool_file - the text of a file of a pool's sysfs directory, or "" for itself. */
bool fake_memory_pool_file(const char *path, char *buf, size_t bytes);

/* fake_memory_page_of - the huge page size that mmap flags name; 0: ordinary memory. */
uint64_t fake_memory_page_of(int flags);
/* fake_memory_map - really map ordinary memory, aligned to @page where @addr is NULL. */
void *fake_memory_map(void *addr, size_t bytes, int prot, int flags, uint64_t page);

void fake_memory_add(uintptr_t addr, size_t bytes, uint64_t page);
void fake_memory_cut(uintptr_t addr, size_t bytes);
uint64_t fake_memory_in(uintptr_t addr, size_t bytes);
/* fake_memory_whole - does the range cut no huge page in two? If it does, that is a misuse. */
bool fake_memory_whole(uintptr_t addr, size_t bytes);
/* fake_memory_is_one - is it one mapping as a whole? */
bool fake_memory_is_one(uintptr_t addr, size_t bytes);
/* fake_memory_mappings - of how many mappings does the range hold a part? */
unsigned int fake_memory_mappings(uintptr_t addr, size_t bytes);
/* fake_memory_page_at - the huge page size of the mapping at @addr; 0: ordinary, or none. */
uint64_t fake_memory_page_at(uintptr_t addr);
/* fake_memory_drop - zero again; what is not mapped, or part of a huge page, is a misuse. */
bool fake_memory_drop(uintptr_t addr, size_t bytes);
/* fake_memory_move - mremap(). Return: 0 or -errno. */
int fake_memory_move(uintptr_t addr, size_t old_bytes, size_t new_bytes, int flags, void *to,
		     void **out);

#endif
