/* SPDX-License-Identifier: MIT */
#include "pagescan.h"

#include <errno.h>
#include <sys/ioctl.h>

/*
 * Linux Documentation/admin-guide/mm/pagemap.rst; the headers of Debian 12 are older than the
 * call. The layout is the kernel's interface.
 */
struct scan_request {
	uint64_t bytes, flags;
	uint64_t start, end, stopped_at;
	uint64_t ranges, range_count, pages_most;
	uint64_t inverted, all_of, any_of, wanted_back;
};

struct scan_range {
	uint64_t start, end, categories;
};

#define SCAN_IOCTL	_IOWR('f', 16, struct scan_request)
#define SCAN_PRESENT	(1ull << 3)
#define SCAN_HUGE	(1ull << 6)

enum { UNIT_BYTES = 4096 };

int pagescan_find(int pagemap_fd, enum pagescan_kind kind, uint64_t start, uint64_t end,
		  uint64_t most_bytes, uint64_t *found_start, uint64_t *found_end)
{
	struct scan_range range = { 0 };
	struct scan_request request = {
		.bytes = sizeof(request),
		.start = start,
		.end = end,
		.ranges = (uint64_t)(uintptr_t)&range,
		.range_count = 1,
		.pages_most = (most_bytes + UNIT_BYTES - 1) / UNIT_BYTES,
		.all_of = kind == PAGESCAN_HUGE ? SCAN_PRESENT | SCAN_HUGE : SCAN_PRESENT,
		.wanted_back = SCAN_PRESENT,
	};
	int saved = errno, got, ret = 0;

	do {
		got = ioctl(pagemap_fd, SCAN_IOCTL, &request);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		ret = -errno;
	else if (!got)
		ret = -ENOENT;
	errno = saved;
	if (ret)
		return ret;
	*found_start = range.start;
	*found_end = range.end;
	return 0;
}
