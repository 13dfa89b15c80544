#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mTHP: where 2 MiB pages are switched off and a smaller size is not, the chain comes to it, and
# the kernel gives folios of that size.

cd "$(dirname "$0")/../.." || exit 1
. tests/pool.sh
lib=$(realpath -m "${BUILD:-build}")/libcontig.so
size=/sys/kernel/mm/transparent_hugepage/hugepages-64kB
[ "$(id -u)" -eq 0 ] || { echo "the switches are root's"; exit 77; }
[ -w $size/enabled ] || { echo "this kernel has no mTHP (6.8)"; exit 77; }
tmp=$(mktemp -d) || exit 1
pool_at_exit 'rm -rf "$tmp"'
thp_set madvise hugepages-2048kB/enabled=never hugepages-64kB/enabled=madvise || exit 77

"${CC:-cc}" -O2 -fno-builtin -x c -o "$tmp/touch" - <<'END'
#include <stdlib.h>
#include <string.h>

int main(void)
{
	return !memset(malloc(8 << 20), 1, 8 << 20);
}
END
before=$(cat $size/stats/anon_fault_alloc)
CONTIG_POLICY="size=1M..: thp, mthp!" CONTIG_STATS="json:$tmp/report" LD_PRELOAD=$lib \
	"$tmp/touch" || { echo "the program failed"; exit 1; }
after=$(cat $size/stats/anon_fault_alloc)
python3 - "$tmp/report" <<'END' || exit 1
import json, sys
pools = {p["name"]: p for p in json.load(open(sys.argv[1]))["pools"]}
assert pools["mthp-64K"]["allocations"] == 1, pools
assert pools["thp"]["fell_through"]["ABSENT"] == 1, pools
END
# Nearly all of the 128 pages of 8 MiB; other programs do not advise.
[ $((after - before)) -ge 100 ] || { echo "$((after - before)) folios of 64 KiB"; exit 1; }
