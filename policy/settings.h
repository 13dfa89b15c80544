/* SPDX-License-Identifier: MIT */
/* The settings of a process, by index: their order in keys.def. */
#ifndef POLICY_SETTINGS_H
#define POLICY_SETTINGS_H

#include "policy.h"
#include "slice.h"
#include "text.h"

void settings_init(struct settings *set);

const char *settings_name(unsigned int index);

/* settings_find - Return: the index of a name, -1 if there is none. */
int settings_find(struct slice name);

/**
 * settings_set - read one setting
 * @set: untouched unless 0 is returned
 * @expected: on failure, what would have been right
 *
 * Return: 0 or -errno.
 */
int settings_set(struct settings *set, unsigned int index, struct slice value,
		 struct text *expected);

#endif
