/* SPDX-License-Identifier: MIT */
/* Where the policy comes from: the file, the environment, and what is wrong with them. */
#ifndef PRELOAD_CONFIG_H
#define PRELOAD_CONFIG_H

#include "policy.h"

/**
 * config_read - the policy for this process
 * @pol: filled in, finished
 * @exe: base name of the program
 *
 * What is wrong is said on standard error, a line each, and left out; the program runs on with
 * what is right. Under secure execution the environment counts for nothing.
 *
 * Context: once; no allocation.
 * Return: NULL; or why this program is not to be served.
 */
const char *config_read(struct policy *pol, const char *exe);

/* config_forget_preload - take this library out of LD_PRELOAD, for programs yet to be started. */
void config_forget_preload(void);

#endif
