/* SPDX-License-Identifier: MIT */
#include "remote.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { REMOTE_PHDRS = 64, REMOTE_DYNS = 128, REMOTE_CHAIN = 4096, REMOTE_NAME_BYTES = 64 };

/* Of the dynamic section, what a look-up needs: addresses in the process. */
struct remote_tables {
	uint64_t hash, symbols, strings;
};

int remote_read(pid_t pid, uint64_t address, void *out, size_t bytes)
{
	struct iovec local = { .iov_base = out, .iov_len = bytes };
	struct iovec there = { .iov_base = (void *)(uintptr_t)address, .iov_len = bytes };
	ssize_t got = process_vm_readv(pid, &local, 1, &there, 1, 0);

	if (got < 0)
		return -errno;
	return (size_t)got == bytes ? 0 : -EFAULT;
}

/* Does a line of maps show the start of the file @name? A deleted one has a word behind it. */
static int remote_match_line(char *line, const char *name, uint64_t *base)
{
	size_t length = strlen(name);
	uint64_t start, offset;
	char *path;
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%*x %*s %" SCNx64 " %*s %*s %n", &start, &offset, &at) != 2 ||
	    !at || offset)
		return 0;
	line[strcspn(line, "\n")] = '\0';
	path = strrchr(line + at, '/');
	if (!path || strncmp(path + 1, name, length) ||
	    (path[1 + length] && strcmp(path + 1 + length, " (deleted)")))
		return 0;
	*base = start;
	return 1;
}

int remote_find_library(pid_t pid, const char *name, uint64_t *base)
{
	char path[40], *line = NULL;
	size_t room = 0;
	int ret = -ENOENT;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	in = fopen(path, "re");
	if (!in)
		return errno == ENOENT ? -ESRCH : -errno;
	errno = 0;
	while (ret && getline(&line, &room, in) > 0)
		if (remote_match_line(line, name, base))
			ret = 0;
	if (ret && errno && errno != ENOENT)
		ret = -errno;
	free(line);
	fclose(in);
	return ret;
}

/* The dynamic section, and the difference of addresses in the file and in the process. */
static int remote_find_dynamic(pid_t pid, uint64_t base, uint64_t *address, uint64_t *bias)
{
	ElfW(Ehdr) ehdr;
	ElfW(Phdr) phdr;
	bool has_load = false, has_dynamic = false;
	int ret = remote_read(pid, base, &ehdr, sizeof(ehdr));

	if (ret)
		return ret;
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) ||
	    ehdr.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    ehdr.e_phentsize != sizeof(phdr) || ehdr.e_phnum > REMOTE_PHDRS)
		return -ENOEXEC;
	for (unsigned int i = 0; i < ehdr.e_phnum; i++) {
		ret = remote_read(pid, base + ehdr.e_phoff + i * sizeof(phdr), &phdr, sizeof(phdr));
		if (ret)
			return ret;
		if (phdr.p_type == PT_LOAD && !has_load) {
			has_load = true;
			*bias = base - phdr.p_vaddr;
		}
		if (phdr.p_type == PT_DYNAMIC) {
			has_dynamic = true;
			*address = phdr.p_vaddr;
		}
	}
	if (!has_load || !has_dynamic)
		return -ENOEXEC;
	*address += *bias;
	return 0;
}

static int remote_read_tables(pid_t pid, uint64_t base, uint64_t *bias, struct remote_tables *out)
{
	struct remote_tables tables = { 0 };
	uint64_t dynamic = 0;
	ElfW(Dyn) dyn;
	int ret = remote_find_dynamic(pid, base, &dynamic, bias);

	for (int i = 0; !ret && i < REMOTE_DYNS; i++) {
		uint64_t value;

		ret = remote_read(pid, dynamic + i * sizeof(dyn), &dyn, sizeof(dyn));
		if (ret || dyn.d_tag == DT_NULL)
			break;
		/* ld.so of glibc has turned these into addresses, others leave them as they are. */
		value = dyn.d_un.d_ptr < base ? dyn.d_un.d_ptr + *bias : dyn.d_un.d_ptr;
		if (dyn.d_tag == DT_GNU_HASH)
			tables.hash = value;
		else if (dyn.d_tag == DT_SYMTAB)
			tables.symbols = value;
		else if (dyn.d_tag == DT_STRTAB)
			tables.strings = value;
	}
	if (ret)
		return ret;
	if (!tables.hash || !tables.symbols || !tables.strings)
		return -ENOEXEC;
	*out = tables;
	return 0;
}

static uint32_t remote_hash_name(const char *name)
{
	uint32_t hash = 5381;

	while (*name)
		hash = hash * 33 + (unsigned char)*name++;
	return hash;
}

/* Is symbol @index the one? Return: 1 with its @value, 0, -errno. */
static int remote_match_symbol(pid_t pid, const struct remote_tables *tables, uint32_t index,
			       const char *name, uint64_t *value)
{
	char found[REMOTE_NAME_BYTES] = "";
	size_t bytes = strlen(name) + 1;
	ElfW(Sym) symbol;
	int ret = remote_read(pid, tables->symbols + index * sizeof(symbol), &symbol,
			      sizeof(symbol));

	if (!ret)
		ret = remote_read(pid, tables->strings + symbol.st_name, found, bytes);
	if (ret)
		return ret;
	if (memcmp(found, name, bytes) || !symbol.st_value)
		return 0;
	*value = symbol.st_value;
	return 1;
}

int remote_find_symbol(pid_t pid, uint64_t base, const char *name, uint64_t *address)
{
	struct { uint32_t buckets, first, bloom_words, shift; } head;
	struct remote_tables tables;
	uint32_t wanted = remote_hash_name(name), index, hash = 0;
	uint64_t bias = 0, value = 0, buckets, chain;
	int ret;

	if (strlen(name) >= REMOTE_NAME_BYTES)
		return -ENOENT;
	ret = remote_read_tables(pid, base, &bias, &tables);
	if (!ret)
		ret = remote_read(pid, tables.hash, &head, sizeof(head));
	if (ret)
		return ret;
	if (!head.buckets)
		return -ENOENT;
	buckets = tables.hash + sizeof(head) + head.bloom_words * sizeof(ElfW(Addr));
	chain = buckets + head.buckets * sizeof(uint32_t);
	ret = remote_read(pid, buckets + wanted % head.buckets * sizeof(uint32_t), &index,
			  sizeof(index));
	if (ret)
		return ret;
	if (index < head.first)
		return -ENOENT;
	/* The lowest bit of a hash ends its chain, and is not compared. */
	for (int i = 0; i < REMOTE_CHAIN && !(hash & 1); i++, index++) {
		ret = remote_read(pid, chain + (uint64_t)(index - head.first) * sizeof(hash), &hash,
				  sizeof(hash));
		if (!ret && (hash | 1) == (wanted | 1))
			ret = remote_match_symbol(pid, &tables, index, name, &value);
		if (ret < 0)
			return ret;
		if (ret) {
			*address = value + bias;
			return 0;
		}
	}
	return -ENOENT;
}
