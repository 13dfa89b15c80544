/* SPDX-License-Identifier: MIT */
/*
 * A terminal that is drawn over again and again, and left as it was found: on the alternate
 * screen, keys come at once and unseen, and signals come when they are waited for.
 */
#ifndef TOOLS_SCREEN_H
#define TOOLS_SCREEN_H

#include <stdbool.h>

/* screen_possible - standard output is a terminal that can do it. */
bool screen_possible(void);

/**
 * screen_open - from now on the terminal is ours
 * Blocks SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP and SIGWINCH; screen_wait() reports them.
 *
 * Return: 0 or -errno; then nothing has changed.
 */
int screen_open(void);

/* screen_close - the terminal and the signals as they were. Does nothing if it is not open. */
void screen_close(void);

/* screen_draw - show the beginning of @text: as many lines and columns as there are. */
void screen_draw(const char *text);

enum screen_event { SCREEN_TIME, SCREEN_QUIT, SCREEN_RESIZE, SCREEN_SIGNAL };

/**
 * screen_wait - until something happens
 * @until_ns: CLOCK_MONOTONIC
 * @signal: set with SCREEN_SIGNAL, one that should end the program
 *
 * SIGTSTP is obeyed: the terminal is given back meanwhile, and SCREEN_RESIZE returned afterwards.
 * Return: SCREEN_TIME: it is @until_ns; SCREEN_QUIT: q was pressed; SCREEN_RESIZE: draw again.
 */
enum screen_event screen_wait(unsigned long long until_ns, int *signal);

#endif
