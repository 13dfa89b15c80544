/* SPDX-License-Identifier: MIT */
#include "binary.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BINARY_DATA ELFDATA2LSB
#else
#define BINARY_DATA ELFDATA2MSB
#endif

#define BINARY_PHDRS 128	/* more than any linker writes; a bound for what we read */

static int binary_read_at(int fd, void *to, size_t bytes, uint64_t offset)
{
	ssize_t got = pread(fd, to, bytes, (off_t)offset);

	if (got < 0)
		return -errno;
	return (size_t)got == bytes ? 0 : -ENOEXEC;
}

/* One program header, widened if the file is of the 32-bit class. */
static int binary_read_phdr(int fd, const Elf64_Ehdr *ehdr, unsigned int index, Elf64_Phdr *out)
{
	uint64_t offset = ehdr->e_phoff + (uint64_t)index * ehdr->e_phentsize;
	Elf32_Phdr narrow;
	int ret;

	if (ehdr->e_ident[EI_CLASS] == ELFCLASS64)
		return binary_read_at(fd, out, sizeof(*out), offset);
	ret = binary_read_at(fd, &narrow, sizeof(narrow), offset);
	if (ret)
		return ret;
	*out = (Elf64_Phdr){
		.p_type = narrow.p_type, .p_offset = narrow.p_offset, .p_filesz = narrow.p_filesz,
	};
	return 0;
}

/* The file's header, widened likewise. */
static int binary_read_ehdr(int fd, Elf64_Ehdr *out)
{
	Elf32_Ehdr narrow;
	int ret = binary_read_at(fd, &narrow, sizeof(narrow), 0);

	if (ret)
		return ret;
	if (memcmp(narrow.e_ident, ELFMAG, SELFMAG) || narrow.e_ident[EI_DATA] != BINARY_DATA)
		return -ENOEXEC;
	if (narrow.e_ident[EI_CLASS] == ELFCLASS64)
		return binary_read_at(fd, out, sizeof(*out), 0);
	if (narrow.e_ident[EI_CLASS] != ELFCLASS32)
		return -ENOEXEC;
	*out = (Elf64_Ehdr){
		.e_type = narrow.e_type, .e_machine = narrow.e_machine, .e_phoff = narrow.e_phoff,
		.e_phentsize = narrow.e_phentsize, .e_phnum = narrow.e_phnum,
	};
	memcpy(out->e_ident, narrow.e_ident, EI_NIDENT);
	return 0;
}

int binary_read(int fd, struct binary_headers *out)
{
	struct binary_headers headers = { .class = ELFCLASSNONE };
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	int ret = binary_read_ehdr(fd, &ehdr);

	if (ret)
		return ret;
	headers.class = ehdr.e_ident[EI_CLASS];
	headers.type = ehdr.e_type;
	headers.machine = ehdr.e_machine;
	for (unsigned int i = 0; i < ehdr.e_phnum && i < BINARY_PHDRS; i++) {
		ret = binary_read_phdr(fd, &ehdr, i, &phdr);
		if (ret)
			return ret;
		if (phdr.p_type != PT_INTERP)
			continue;
		if (!phdr.p_filesz || phdr.p_filesz >= sizeof(headers.interp))
			return -ENOEXEC;
		ret = binary_read_at(fd, headers.interp, phdr.p_filesz, phdr.p_offset);
		if (ret)
			return ret;
	}
	*out = headers;
	return 0;
}

const char *binary_machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:		return "x86-64";
	case EM_386:		return "i386";
	case EM_AARCH64:	return "aarch64";
	case EM_ARM:		return "arm";
	case EM_PPC64:		return "ppc64";
	case EM_S390:		return "s390";
	case EM_RISCV:		return "riscv";
	default:		return NULL;
	}
}
