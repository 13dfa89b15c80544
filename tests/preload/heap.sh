#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# heap = thp | hugetlb: small objects lie on huge pages, too, and such a program can fork, or is
# told ENOMEM where the pool could not serve the child.
. "$(dirname "$0")/helpers/common.bash"
. tests/pool.sh
build_helper probe
probe=$tmp/probe

under CONTIG_HEAP=jemalloc "$probe" many
check "as it comes" printed "base forked"
case $(thp_read enabled) in
always | madvise)
	under CONTIG_HEAP=thp "$probe" many
	check "heap=thp" printed "thp forked"
	;;
esac
if ! pool_borrow 256; then
	[ $failures -eq 0 ] || exit 1
	echo "a pool of 256 MiB could not be had"
	exit 77
fi
under CONTIG_HEAP=hugetlb "$probe" many
check "heap=hugetlb" printed "hugetlb forked"
under CONTIG_HEAP=hugetlb CONTIG_FORK=snapshot "$probe" many
check "heap=hugetlb, fork=snapshot" test "$status" -eq 0
pool_take_away
under CONTIG_HEAP=hugetlb "$probe" many
check "heap=hugetlb without a pool" test "$status" -eq 0
grep -q died "$tmp/out" && check "a child died" false
pool_return
pool_borrow 64 || exit 77
under CONTIG_HEAP=hugetlb "$probe" many
check "heap=hugetlb, a pool too small for the child" \
	grep -qx 'hugetlb refused\|hugetlb forked' "$tmp/out"
pool_return
pool_borrow 6 || exit 77
under CONTIG_HEAP=hugetlb "$probe" holes
check "a pool run dry leaves no hole in the heap" printed none
finish
