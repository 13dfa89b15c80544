/* SPDX-License-Identifier: MIT */
/*
 * Physical frames of a fake pool of huge pages. Its free list is a stack, as Linux's is: what was
 * given back last is handed out first, and a range is given back in the order of its addresses.
 * /proc/self/pagemap says where each page lies. Guarded by fake_sys.c's lock.
 */
#ifndef FAKE_FRAMES_H
#define FAKE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void fake_frames_reset(void);
/* fake_frames_set - @frames[0] is handed out first. No page of the pool may be in use. */
void fake_frames_set(uint64_t page_bytes, const uint64_t *frames, unsigned int count);
/* fake_frames_active - do pools have frames? */
bool fake_frames_active(void);

/* Of a range, where pages of @page_bytes are mapped; other sizes have no frames. */
void fake_frames_populate(uintptr_t addr, size_t bytes, uint64_t page_bytes);
/* fake_frames_drop - its pages go back to the stack. Return: how many. */
unsigned int fake_frames_drop(uintptr_t addr, size_t bytes);
void fake_frames_move(uintptr_t from, uintptr_t to, size_t bytes);

/* fake_frames_take - another process takes the page on top, and gives it back. */
void fake_frames_take(void);
void fake_frames_give(void);

/* fake_frames_are_back - is every frame on the stack, once? */
bool fake_frames_are_back(void);

#endif
