/* SPDX-License-Identifier: MIT */
/* Of an ELF file, what decides whether a preload reaches it. */
#ifndef TOOLS_BINARY_H
#define TOOLS_BINARY_H

#include <limits.h>
#include <stdint.h>

struct binary_headers {
	unsigned char class;	/* ELFCLASS32, ELFCLASS64 */
	uint16_t type;		/* ET_EXEC, ET_DYN */
	uint16_t machine;
	char interp[PATH_MAX];	/* PT_INTERP: the dynamic loader; "" none */
};

/**
 * binary_read - the headers of an open file, either class, this machine's byte order
 * @out: untouched unless 0 is returned
 *
 * Return: 0; -ENOEXEC no such ELF file; -errno.
 */
int binary_read(int fd, struct binary_headers *out);

/* binary_machine_name - "x86-64", or NULL for one that has no name here. */
const char *binary_machine_name(uint16_t machine);

#endif
