#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mmap on huge pages by rule: private and shared, strict chains, an empty pool, fork.

cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
. tests/pool.sh

program=$BUILD/tests/preload/mmap_rules
lib=$(realpath "$BUILD/libcontig.so")
status=0

# try MODE RULES...
try() {
	LD_PRELOAD=$lib CONTIG_POLICY=$2 CONTIG_STATS=text:/dev/null timeout 60 "$program" "$1" && return
	echo "failed: $program $1 with CONTIG_POLICY=$2"
	status=1
}

pool_borrow 64 || { echo "a pool of 64 MiB could not be had"; exit 77; }
try huge "call=mmap|mmap-shared,size=1M..: hugetlb-2M!"
try next "call=mmap,size=1M..: hugetlb-2M, thp"
try huge "call=mmap|mmap-shared,size=1M..,node=local: hugetlb-2M!"
try nowhere "call=mmap,size=1M..,node=1023,populate=yes: hugetlb-2M, thp!"
try limit "call=mmap,size=1M..,limit=8M: hugetlb-2M; call=mmap,size=1M..: thp"
try fork "call=mmap,size=1M..: hugetlb-2M!"
# The library's own default: nothing of mmap's lies in the pool.
try default ""
exit $status
