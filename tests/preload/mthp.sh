#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mTHP: where 2 MiB pages are switched off and a smaller size is not, the chain comes to it, and
# the kernel gives folios of that size: 64 KiB, and 1 MiB.

cd "$(dirname "$0")/../.." || exit 1
. tests/pool.sh
lib=$(realpath -m "${BUILD:-build}")/libcontig.so
dir=/sys/kernel/mm/transparent_hugepage
[ "$(id -u)" -eq 0 ] || { echo "the switches are root's"; exit 77; }
[ -w $dir/hugepages-1024kB/enabled ] || { echo "this kernel has no mTHP (6.8)"; exit 77; }
tmp=$(mktemp -d) || exit 1
pool_at_exit 'rm -rf "$tmp"'
thp_set madvise hugepages-2048kB/enabled=never || exit 77

"${CC:-cc}" -O2 -fno-builtin -x c -o "$tmp/touch" - <<'END'
#include <stdlib.h>
#include <string.h>

int main(void)
{
	return !memset(malloc(8 << 20), 1, 8 << 20);
}
END

# served KIB NAME LEAST: 8 MiB come from the pool NAME, on at least LEAST folios of KIB. Other
# programs do not advise.
served() {
	local size=$dir/hugepages-$1kB before after

	before=$(cat "$size/stats/anon_fault_alloc")
	CONTIG_POLICY="size=1M..: thp, mthp!" CONTIG_STATS="json:$tmp/report" LD_PRELOAD=$lib \
		"$tmp/touch" || { echo "the program failed"; exit 1; }
	after=$(cat "$size/stats/anon_fault_alloc")
	python3 - "$tmp/report" "$2" <<'END' || exit 1
import json, sys
pools = {p["name"]: p for p in json.load(open(sys.argv[1]))["pools"]}
assert pools[sys.argv[2]]["allocations"] == 1, pools
assert pools["thp"]["fell_through"]["ABSENT"] == 1, pools
END
	[ $((after - before)) -ge "$3" ] || { echo "$((after - before)) folios of $1 KiB"; exit 1; }
}

# Nearly all of the 128 pages of 8 MiB, then all 8 but one.
thp_set hugepages-64kB/enabled=madvise || exit 77
served 64 mthp-64K 100
thp_set hugepages-1024kB/enabled=madvise || exit 77
served 1024 mthp-1M 7
