/* SPDX-License-Identifier: MIT */
/*
 * Pages pinned for as long as this process lives and wants it: by io_uring's fixed buffers, as a
 * registration with a network card pins them, or, where io_uring is off, by pages spliced into
 * pipes. A failure ends the program with one line.
 */
#ifndef BENCH_FRAGMENT_PIN_H
#define BENCH_FRAGMENT_PIN_H

#include <stddef.h>

/* pin_choose - "io_uring", "vmsplice", "none", or "auto". Return: 0; -EINVAL: no such way. */
int pin_choose(const char *way);

/* pin_begin - find a way that works here. @pages: how many pin_add() is given of a block. */
void pin_begin(size_t pages);

/* pin_way - the name of the way found. */
const char *pin_way(void);

/* pin_add - pin the populated page at @page, now or with the next that are added. */
void pin_add(void *page);

/* pin_flush - pin what was added and is not pinned yet. */
void pin_flush(void);

/* pin_release - let go of every page; none is pinned when it returns. */
void pin_release(void);

#endif
