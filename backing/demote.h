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

#define DEMOTE_AS_IS (-1)
#define DEMOTE_QUIET (-2)	/* as is, and nobody writes to it meanwhile */

/**
 * demote_page - @addr: the page, which can be read; @bytes: its size
 * @prot: its protection afterwards, or DEMOTE_AS_IS, DEMOTE_QUIET
 *
 * Other threads' writes are held meanwhile (hold.h), unless @prot forbids them anyway. Where they
 * cannot be, and there are other threads, nothing is done: a write could be lost.
 *
 * Context: no pin may be on the page; any stack, also one that lies in the page.
 * Return: 0; -ENOMEM: not possible now, nothing has changed.
 */
int demote_page(void *addr, size_t bytes, int prot);

/*
 * demote_drop - ordinary pages of zeros instead; a huge page that MADV_DONTNEED took away may
 * come back as SIGBUS, since on some kernels its reservation is gone with it.
 * Return: 0 or -ENOMEM, nothing has changed.
 */
int demote_drop(void *addr, size_t bytes);

/* demote_writable - may the program write to the mapped page at @addr? It is populated by this. */
bool demote_writable(void *addr);

/* demote_note - a page of the zone is ordinary from now on. Context: zone_lock held. */
void demote_note(const void *addr, size_t bytes);

/* demote_forget - what lies there is gone. Context: zone_lock held. */
void demote_forget(const void *addr, size_t bytes);

/* demote_noted - is the page of the zone that holds @addr ordinary? Context: zone_lock held. */
bool demote_noted(const void *addr);

#endif
