/* SPDX-License-Identifier: MIT */
/* An entry of /proc/PID/pagemap: Linux Documentation/admin-guide/mm/pagemap.rst */
#ifndef BACKING_PAGEMAP_H
#define BACKING_PAGEMAP_H

#define PAGEMAP_PRESENT		(1ull << 63)
#define PAGEMAP_PFN		((1ull << 55) - 1)	/* 0: hidden from this process */
#define PAGEMAP_UNIT_BYTES	4096u			/* one entry each, on every machine we serve */

#endif
