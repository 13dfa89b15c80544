# SPDX-License-Identifier: MIT
"""The sides of every comparison: an allocator and its settings, as an environment."""

import os
import re
import subprocess
from dataclasses import dataclass, field

# What would change a side behind its back.
ALLOCATOR_VARIABLE = re.compile(
    r"(LD_PRELOAD|LD_AUDIT|GLIBC_TUNABLES|MALLOC_CONF|MALLOC_.*_|MIMALLOC_.*|TCMALLOC_.*"
    r"|AUTO_HBW_.*|CONTIG_.*|BENCH_.*)")


@dataclass(frozen=True)
class Side:
    """One column: libc's allocator, or a library put under the program.

    pool: "any": runs with what pool of huge pages there is; "needed": left out without one;
    "none": runs while the borrowed pool is taken away.
    mthp: transparent huge pages of 1 MiB and 64 KiB are switched on meanwhile.
    """
    name: str
    library: str = ""
    variables: dict = field(default_factory=dict)
    pool: str = "any"
    mthp: bool = False


JEMALLOC, MIMALLOC = "libjemalloc.so.2", "libmimalloc.so.2"
TCMALLOC, AUTOHBW = "libtcmalloc_minimal.so.4", "libautohbw.so.0"
CONTIG = "libcontig.so"

SIDES = {side.name: side for side in (
    Side("glibc"),
    Side("glibc hugetlb=1", variables={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
    Side("glibc hugetlb=2", variables={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=2"},
         pool="needed"),
    Side("jemalloc", JEMALLOC),
    Side("jemalloc thp", JEMALLOC, {"MALLOC_CONF": "thp:always,metadata_thp:always"}),
    Side("mimalloc", MIMALLOC),
    # Named ALLOW_LARGE_OS_PAGES from 2.0.10 on.
    Side("mimalloc large", MIMALLOC, {"MIMALLOC_LARGE_OS_PAGES": "1",
                                      "MIMALLOC_ALLOW_LARGE_OS_PAGES": "1"}, pool="needed"),
    Side("tcmalloc", TCMALLOC),
    Side("tcmalloc memfs", TCMALLOC, {"TCMALLOC_MEMFS_MALLOC_PATH": "{hugetlbfs}/bench-"},
         pool="needed"),
    Side("autohbw", AUTOHBW, {"AUTO_HBW_MEM_TYPE": "memkind_hugetlb", "AUTO_HBW_LOG": "-1"},
         pool="needed"),
    Side("contig", CONTIG, pool="needed"),
    Side("contig no pool", CONTIG, pool="none"),
    # A promise has the library look at more pages than it needs.
    Side("contig whole", CONTIG, {"CONTIG_POLICY": "size=1M..,contiguity=whole: hugetlb-2M, base"},
         pool="needed"),
    # A fork copies what is there, whatever the pool could cover.
    Side("contig snapshot", CONTIG, {"CONTIG_FORK": "snapshot"}, pool="needed"),
    # Where a pool stays and is not used.
    Side("contig thp", CONTIG, {"CONTIG_POLICY": "size=1M..: thp, mthp, base"}),
    Side("contig mthp", CONTIG, {"CONTIG_POLICY": "size=1M..: thp, mthp, base"}, mthp=True),
    # Where no large memory is asked for and the pool therefore says nothing.
    Side("contig small", CONTIG),
)}


def hugetlbfs_mount():
    """A mounted hugetlbfs of 2 MiB pages, or None."""
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, path, kind, options = line.split()[:4]
            if kind == "hugetlbfs" and ("pagesize=2M" in options or "pagesize" not in options):
                return path
    return None


def library_path(library, build):
    """Where the dynamic linker would find @library; None if it is not there."""
    if library == CONTIG:
        path = os.path.join(build, CONTIG)
        return path if os.path.exists(path) else None
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True)
    for line in listing.stdout.splitlines():
        name, _, path = line.strip().partition(" => ")
        if name.split(" ")[0] == library and "x86-64" in name:
            return path
    return None


def side_environment(side, build):
    """The environment of @side and why it cannot run, one of them None."""
    environment = {name: value for name, value in os.environ.items()
                   if not ALLOCATOR_VARIABLE.fullmatch(name)}
    environment["LC_ALL"] = "C"
    if side.library:
        path = library_path(side.library, build)
        if not path:
            return None, f"{side.library} is not installed"
        environment["LD_PRELOAD"] = path
        environment["BENCH_EXPECT"] = "/" + os.path.basename(os.path.realpath(path))
    for name, value in side.variables.items():
        if "{hugetlbfs}" in value:
            mount = hugetlbfs_mount()
            if not mount:
                return None, "no hugetlbfs is mounted"
            value = value.replace("{hugetlbfs}", mount)
        environment[name] = value
    return environment, None
