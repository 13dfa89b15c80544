/* SPDX-License-Identifier: MIT */
#include "fragment_pin.h"

#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* A batch is what one ring or one pipe holds: a ring's table of buffers has 16384 entries. */
#define RING_PAGES_MOST 16384u
#define RING_BLOCKS 512u
#define PIPE_BYTES (1 << 20)	/* what pipe-max-size lets anybody have */

enum pin_id { PIN_AUTO, PIN_IO_URING, PIN_VMSPLICE, PIN_NONE, PIN_COUNT };
static const char *const pin_names[PIN_COUNT] = { "auto", "io_uring", "vmsplice", "none" };

static struct {
	enum pin_id way;
	struct iovec *batch;	/* added and not pinned yet */
	unsigned int batch_most, batch_count;
	int *files;		/* rings; or pipes, both ends */
	size_t files_count, files_most;
} pin;

int pin_choose(const char *way)
{
	for (int i = 0; i < PIN_COUNT; i++)
		if (!strcmp(way, pin_names[i])) {
			pin.way = (enum pin_id)i;
			return 0;
		}
	return -EINVAL;
}

const char *pin_way(void)
{
	return pin_names[pin.way];
}

static void pin_keep(int fd)
{
	if (pin.files_count == pin.files_most) {
		pin.files_most = pin.files_most ? 2 * pin.files_most : 64;
		pin.files = realloc(pin.files, pin.files_most * sizeof(*pin.files));
		if (!pin.files)
			bench_fail("fragment: realloc");
	}
	pin.files[pin.files_count++] = fd;
}

static int pin_open_ring(void)
{
	struct io_uring_params params = { .flags = 0 };

	return (int)syscall(SYS_io_uring_setup, 1, &params);
}

/* An empty ring tells whether there can be others. */
static bool pin_has_rings(void)
{
	int ring = pin_open_ring();

	if (ring >= 0)
		close(ring);
	return ring >= 0;
}

void pin_begin(size_t pages)
{
	if (pin.way == PIN_AUTO)
		pin.way = pin_has_rings() ? PIN_IO_URING : PIN_VMSPLICE;
	if (pin.way == PIN_VMSPLICE)
		pin.batch_most = PIPE_BYTES / BENCH_PAGE_BYTES;
	else
		pin.batch_most = RING_BLOCKS * pages < RING_PAGES_MOST ?
				 (unsigned int)(RING_BLOCKS * pages) : RING_PAGES_MOST;
	pin.batch = calloc(pin.batch_most, sizeof(*pin.batch));
	if (!pin.batch)
		bench_fail("fragment: calloc");
}

static void pin_by_ring(void)
{
	int ring = pin_open_ring();

	if (ring < 0)
		bench_fail("fragment: io_uring_setup (kernel.io_uring_disabled, ulimit -n)");
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, pin.batch,
		    pin.batch_count))
		bench_fail("fragment: pinning by io_uring (ulimit -l, which root has not)");
	pin_keep(ring);
}

static void pin_by_pipe(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		bench_fail("fragment: pipe (ulimit -n)");
	if (fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) < 0)
		bench_fail("fragment: a pipe of 1 MiB (fs.pipe-max-size, fs.pipe-user-pages-soft)");
	for (unsigned int i = 0; i < pin.batch_count; i++)
		if (vmsplice(ends[1], &pin.batch[i], 1, 0) != (ssize_t)BENCH_PAGE_BYTES)
			bench_fail("fragment: vmsplice");
	pin_keep(ends[0]);
	pin_keep(ends[1]);
}

void pin_flush(void)
{
	if (pin.batch_count && pin.way == PIN_IO_URING)
		pin_by_ring();
	else if (pin.batch_count && pin.way == PIN_VMSPLICE)
		pin_by_pipe();
	pin.batch_count = 0;
}

void pin_add(void *page)
{
	pin.batch[pin.batch_count++] = (struct iovec){ page, BENCH_PAGE_BYTES };
	if (pin.batch_count == pin.batch_most)
		pin_flush();
}

void pin_release(void)
{
	for (size_t i = 0; i < pin.files_count; i++) {
		/* A closed ring is taken down by the kernel later; this unpins at once. */
		if (pin.way == PIN_IO_URING)
			syscall(SYS_io_uring_register, pin.files[i], IORING_UNREGISTER_BUFFERS,
				NULL, 0);
		close(pin.files[i]);
	}
	pin.files_count = 0;
}
