/* SPDX-License-Identifier: MIT */
#ifndef PRELOAD_HOOKS_H
#define PRELOAD_HOOKS_H

#define HOOK __attribute__((visibility("default")))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)

/* hooks_own_malloc - our malloc by an address that no other module can take over. */
void *hooks_own_malloc(void);

#endif
