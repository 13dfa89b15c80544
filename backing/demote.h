/* SPDX-License-Identifier: MIT */
/*
 * Turn one huge page of a pool into ordinary memory where it lies, contents and all, because the
 * program does something to a part of it that huge pages cannot do (mprotect of 4 KiB, say).
 *
 * Inside the zone it is remembered which pages were demoted: they belong to a hugetlb pool's
 * spans, but fork and release must treat them as what they are.
 */
#ifndef BACKING_DEMOTE_H
#define BACKING_DEMOTE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * demote_page - @addr: the page; @bytes: its size
 *
 * Other threads' writes are held meanwhile (hold.h). Where they cannot be, and there are other
 * threads, nothing is done: a write could be lost.
 *
 * Context: no pin may be on the page; leaves errno alone.
 * Return: 0; -ENOMEM: not possible now, nothing has changed.
 */
int demote_page(void *addr, size_t bytes);

/* demote_note - a page of the zone is ordinary from now on. Context: zone_lock held. */
void demote_note(const void *addr, size_t bytes);

/* demote_forget - what lies there is gone. Context: zone_lock held. */
void demote_forget(const void *addr, size_t bytes);

/* demote_noted - is the page of the zone that holds @addr ordinary? Context: zone_lock held. */
bool demote_noted(const void *addr);

#endif
