/* SPDX-License-Identifier: MIT */
/* The checks of `contig doctor`; each adds one line or more, none fails. */
#ifndef TOOLS_DOCTOR_H
#define TOOLS_DOCTOR_H

#include "findings.h"

/* doctor_system.c */
void doctor_check_kernel(struct findings *to);
void doctor_check_library(struct findings *to);
void doctor_check_limits(struct findings *to);
void doctor_check_sysctls(struct findings *to);
void doctor_check_privileges(struct findings *to);
void doctor_check_devices(struct findings *to);
void doctor_check_container(struct findings *to);

/* doctor_memory.c */
void doctor_check_pools(struct findings *to);
void doctor_check_cgroups(struct findings *to);
void doctor_check_thp(struct findings *to);
void doctor_check_fragmentation(struct findings *to);
/* doctor_check_source - is there any huge page for a program under the default policy. */
void doctor_check_source(struct findings *to);

#endif
