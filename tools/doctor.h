/* SPDX-License-Identifier: MIT */
/* The checks of `contig doctor`; each adds one line or more, none fails. */
#ifndef TOOLS_DOCTOR_H
#define TOOLS_DOCTOR_H

#include "findings.h"

/* doctor_system.c */
void doctor_check_kernel(struct findings *findings);
void doctor_check_library(struct findings *findings);
void doctor_check_limits(struct findings *findings);
void doctor_check_sysctls(struct findings *findings);
void doctor_check_privileges(struct findings *findings);
void doctor_check_devices(struct findings *findings);
void doctor_check_container(struct findings *findings);

/* doctor_memory.c */
void doctor_check_pools(struct findings *findings);
void doctor_check_cgroups(struct findings *findings);
void doctor_check_thp(struct findings *findings);
void doctor_check_fragmentation(struct findings *findings);
/* doctor_check_source - is there any huge page for a program under the default policy. */
void doctor_check_source(struct findings *findings);

#endif
