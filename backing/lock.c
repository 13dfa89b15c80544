/* SPDX-License-Identifier: MIT */
#include "lock.h"

__thread unsigned int lock_depth __attribute__((tls_model("initial-exec")));
