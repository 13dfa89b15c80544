/* SPDX-License-Identifier: MIT */
/* The lines of `contig doctor` that are not about huge pages. */
#include "doctor.h"
#include "library.h"
#include "policy.h"
#include "sysinfo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DOCTOR_KERNEL(major, minor) ((major) * 1000u + (minor))

void doctor_check_kernel(struct findings *to)
{
	struct utsname name;
	unsigned int major = 0, minor = 0, version;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	version = DOCTOR_KERNEL(major, minor);
	if (version < DOCTOR_KERNEL(5, 14)) {
		findings_add(to, FINDINGS_NEEDED, "kernel", "Linux %s; at least 5.14 is needed "
			     "(MADV_POPULATE_WRITE)", name.release);
		findings_mend(to, "install a newer kernel: apt-get install linux-image-amd64");
		return;
	}
	findings_add(to, version < DOCTOR_KERNEL(6, 8) ? FINDINGS_NOTE : FINDINGS_OK, "kernel",
		     "Linux %s on %s (least 5.14); MADV_COLLAPSE (6.1) %s, multi-size THP (6.8) %s",
		     name.release, name.machine, version < DOCTOR_KERNEL(6, 1) ? "no" : "yes",
		     version < DOCTOR_KERNEL(6, 8) ? "no" : "yes");
}

void doctor_check_library(struct findings *to)
{
	char path[PATH_MAX], why[160];
	int ret = library_find(path);

	if (ret) {
		findings_add(to, FINDINGS_NEEDED, "library",
			     LIBRARY_NAME " is neither beside this program nor in its ../lib");
		findings_mend(to, "make install");
		return;
	}
	ret = library_preload(path);
	if (!ret)
		ret = library_try(path, why, sizeof(why));
	if (ret)
		findings_add(to, FINDINGS_NEEDED, "library", "%.80s cannot be preloaded: %s",
			     path, ret == -ENOEXEC ? why : strerror(-ret));
	else
		findings_add(to, FINDINGS_OK, "library", "%s can be preloaded", path);
}

void doctor_check_limits(struct findings *to)
{
	struct rlimit limit;
	char size[24];

	if (!getrlimit(RLIMIT_AS, &limit)) {
		/* The zone is halved down to 1 GiB, and the program wants room beside it. */
		bool small = limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < 2 * GIB;

		findings_add(to, small ? FINDINGS_NEEDED :
			     limit.rlim_cur == RLIM_INFINITY ? FINDINGS_OK : FINDINGS_NOTE,
			     "limit of addresses", "RLIMIT_AS = %s%s",
			     limit.rlim_cur == RLIM_INFINITY ? "unlimited" :
			     policy_format_size(limit.rlim_cur, size),
			     small ? ": no room for the zone" : "");
		if (small)
			findings_mend(to, "ulimit -v unlimited");
	}
	if (!getrlimit(RLIMIT_MEMLOCK, &limit)) {
		bool small = limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < GIB && geteuid();

		findings_add(to, small ? FINDINGS_NOTE : FINDINGS_OK, "limit of locking",
			     "RLIMIT_MEMLOCK = %s%s",
			     limit.rlim_cur == RLIM_INFINITY ? "unlimited" :
			     policy_format_size(limit.rlim_cur, size),
			     small ? "; registered memory counts, huge pages or not" : "");
		if (small)
			findings_mend(to, "ulimit -l unlimited");
	}
}

static void doctor_check_overcommit(struct findings *to)
{
	uint64_t mode;

	if (sysinfo_read_number("/proc/sys/vm/overcommit_memory", &mode)) {
		findings_add(to, FINDINGS_NOTE, "overcommit", "vm.overcommit_memory unknown");
	} else if (mode == 2) {
		findings_add(to, FINDINGS_LACK, "overcommit", "vm.overcommit_memory = 2: large "
			     "requests may fail early, a copying fork() more often");
		findings_mend(to, "sysctl vm.overcommit_memory=0");
	} else {
		findings_add(to, FINDINGS_OK, "overcommit", "vm.overcommit_memory = %" PRIu64,
			     mode);
	}
}

void doctor_check_sysctls(struct findings *to)
{
	uint64_t maps;

	doctor_check_overcommit(to);
	if (sysinfo_read_number("/proc/sys/vm/max_map_count", &maps)) {
		findings_add(to, FINDINGS_NOTE, "mappings", "vm.max_map_count unknown");
	} else if (maps < 65530) {
		findings_add(to, FINDINGS_LACK, "mappings", "vm.max_map_count = %" PRIu64
			     ", less than the kernel's own default", maps);
		findings_mend(to, "sysctl vm.max_map_count=65530");
	} else {
		findings_add(to, FINDINGS_OK, "mappings", "vm.max_map_count = %" PRIu64, maps);
	}
}

static int doctor_try_userfaultfd(int flags)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | flags);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

void doctor_check_privileges(struct findings *to)
{
	int ret = sysinfo_check_pfns();

	if (!ret)
		findings_add(to, FINDINGS_OK, "page frames", "physical addresses can be read: "
			     "contiguity is checked and reported");
	else
		findings_add(to, FINDINGS_NOTE, "page frames", "physical addresses are hidden "
			     "(%s): contiguity beyond a huge page is neither promised nor "
			     "reported; CAP_SYS_ADMIN shows them", strerror(-ret));
	ret = doctor_try_userfaultfd(0);
	if (!ret) {
		findings_add(to, FINDINGS_OK, "userfaultfd", "allowed: writes of other threads "
			     "wait while fork() copies");
		return;
	}
	findings_add(to, FINDINGS_NOTE, "userfaultfd", "%s: a fork() that copies may miss what "
		     "other threads write meanwhile", strerror(-ret));
	if (ret == -EPERM)
		findings_mend(to, "sysctl vm.unprivileged_userfaultfd=1");
}

static unsigned int doctor_count_entries(const char *directory)
{
	DIR *dir = opendir(directory);
	unsigned int count = 0;
	struct dirent *entry;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void doctor_check_iommu(struct findings *to)
{
	unsigned int units = doctor_count_entries("/sys/class/iommu");
	unsigned int groups = 0, identity = 0;
	DIR *dir = opendir("/sys/kernel/iommu_groups");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[320], type[32];

		if (entry->d_name[0] == '.')
			continue;
		groups++;
		snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/type", entry->d_name);
		identity += !sysinfo_read(path, type, sizeof(type)) && !strcmp(type, "identity");
	}
	if (dir)
		closedir(dir);
	if (!units && !groups)
		findings_add(to, FINDINGS_OK, "iommu", "none: devices see physical addresses");
	else
		findings_add(to, FINDINGS_NOTE, "iommu", "%u units, %u groups, %u of them "
			     "identity: a device in another group sees the addresses that the "
			     "IOMMU gives it", units, groups, identity);
}

void doctor_check_devices(struct findings *to)
{
	if (!access("/dev/contig", R_OK | W_OK))
		findings_add(to, FINDINGS_OK, "driver", "/dev/contig is there");
	else
		findings_add(to, FINDINGS_NOTE, "driver", "/dev/contig: %s; only rules that say "
			     "`driver` want it", strerror(errno));
	doctor_check_iommu(to);
}

/* The first sign of a container; NULL: none. */
static const char *doctor_find_container(char text[static 4096])
{
	uint64_t first, outer, count;

	if (getenv("container"))
		return getenv("container");
	if (!access("/.dockerenv", F_OK))
		return "docker";
	if (!access("/run/.containerenv", F_OK))
		return "podman";
	if (!sysinfo_read("/run/systemd/container", text, 4096))
		return text;
	if (!sysinfo_read("/proc/self/uid_map", text, 4096) &&
	    sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &first, &outer, &count) == 3 &&
	    (outer || count != UINT32_MAX))
		return "a user namespace";
	return NULL;
}

void doctor_check_container(struct findings *to)
{
	char text[4096];
	const char *sign = doctor_find_container(text);
	const char *seccomp;

	if (sign)
		findings_add(to, FINDINGS_NOTE, "container", "%.64s: pools and sysctls belong to "
			     "the host, change them there", sign);
	else
		findings_add(to, FINDINGS_OK, "container", "no sign of one");
	if (sysinfo_read("/proc/self/status", text, sizeof(text))) {
		findings_add(to, FINDINGS_NOTE, "/proc", "not readable: much of this is unknown");
		return;
	}
	seccomp = strstr(text, "\nSeccomp:\t");
	if (seccomp && seccomp[10] != '0')
		findings_add(to, FINDINGS_NOTE, "seccomp", "a filter is in force: mbind, "
			     "userfaultfd or process_vm_readv may be refused");
}
