#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the environment says is done: left alone, served, by which rules; a mistake is said in one
# line and the program runs on.
. "$(dirname "$0")/helpers/common.bash"
build_helper probe
build_helper own_malloc
probe=$tmp/probe

leave_alone() {
	under "$probe" served
	check "it serves where nothing is set" printed yes
	check "and says nothing" said_nothing
	under CONTIG_DISABLE=1 "$probe" served
	check "CONTIG_DISABLE=1 leaves alone" printed "CONTIG_DISABLE is set"
	under CONTIG_DISABLE=0 "$probe" served
	check "CONTIG_DISABLE=0 does not" printed yes
	under CONTIG_LEAVE='x*,pro*' "$probe" served
	check "CONTIG_LEAVE leaves alone" printed "serve or leave says so"
	under CONTIG_LEAVE='other' "$probe" served
	check "CONTIG_LEAVE of others does not" printed yes
	under CONTIG_SERVE='other,x*' "$probe" served
	check "CONTIG_SERVE of others leaves alone" printed "serve or leave says so"
	under CONTIG_SERVE='p?obe' "$probe" served
	check "CONTIG_SERVE serves" printed yes
	under "$tmp/own_malloc"
	check "own malloc is left alone" printed "the program has a malloc of its own"
	check "without a word" said_nothing
}

children() {
	under CONTIG_CHILDREN=no bash -c '"$1" plain; exit 0' bash "$probe"
	check "children=no" printed plain
	under bash -c '"$1" plain; exit 0' bash "$probe"
	check "children=yes" printed library
	under CONTIG_CHILDREN=no LD_PRELOAD="$lib:libm.so.6" bash -c 'echo "[$LD_PRELOAD]"'
	check "children=no keeps other libraries" printed "[libm.so.6]"
}

mistakes() {
	under CONTIG_POLICY='size=64Q: thp' "$probe" served
	check "a wrong rule: the program runs" printed yes
	check "and one line says it" said_once CONTIG_POLICY
	under CONTIG_POLICY='size=1M..: velvet' "$probe" served
	check "a wrong backing: the program runs" printed yes
	check "and one line names it" said_once velvet
	under CONTIG_FOO=1 "$probe" served
	check "an unknown variable: the program runs" printed yes
	check "and one line names it" said_once CONTIG_FOO
	under CONTIG_RETAIN=-1 "$probe" served
	check "a wrong value: the program runs" printed yes
	check "and one line names it" said_once CONTIG_RETAIN
	under CONTIG_CONF="$tmp/absent" "$probe" served
	check "a missing file: the program runs" printed yes
	check "and one line names it" said_once "$tmp/absent"
}

rules() {
	local pages

	under CONTIG_POLICY='size=1M..: base' "$probe" alloc 100 4096 1024
	check "a chain" printed "heap base base"
	under CONTIG_POLICY='size=2M..3M: base; size=1M..: thp' "$probe" alloc 2048 3072 3076 1024
	check "the first rule that matches" printed "base base thp thp"
	under CONTIG_POLICY='size=1M..,limit=8M: thp; size=1M..: base' \
		"$probe" alloc 4096 4096 4096 2048
	check "limit" printed "thp thp base base"
	under CONTIG_POLICY='exe=other,size=1M..: base; size=1M..: thp' "$probe" alloc 4096
	check "a rule for another program" printed thp
	under CONTIG_POLICY='size=1M..,call=calloc: base; size=1M..: thp' "$probe" alloc 4096
	check "a rule for another call" printed thp
	under CONTIG_THRESHOLD=8M CONTIG_POLICY=': base' "$probe" alloc 4096 8192
	pages=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/{free,nr_overcommit}_hugepages |
		awk '{ sum += $1 } END { print sum + 64 }')
	under CONTIG_POLICY='size=1M..: hugetlb-2M!' "$probe" alloc $((pages * 2048)) 100
	check "a chain that ends in ! fails" printed "ENOMEM heap"
	under CONTIG_POLICY='size=1M..: hugetlb-2M, base!' "$probe" alloc 4096
	[ "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" -gt 0 ] ||
		check "and serves by the link before it" printed base
}

limited() {
	local kib

	for kib in 2097152 3145728 4194304; do
		status=0
		(
			ulimit -v $kib || exit 1
			under "$probe" served
			check "ulimit -v $kib" printed yes
			under CONTIG_POLICY='size=1M..: thp, base' "$probe" alloc 4096 200000 100000
			check "ulimit -v $kib, 300 MB" test "$status" -eq 0
			[ $failures -eq 0 ]
		) || failures=$((failures + 1))
	done
}

# Bounds many times what is measured here; the timed bar is the benchmark's.
sparse() {
	local policy='size=1M..: thp, base'

	under "$probe" sparse 64
	if [ "$(cat "$tmp/out")" != ENOMEM ]; then
		check "64 GiB, 64 bytes touched" test "$(cat "$tmp/out")" -le 160
	elif "$probe" sparse 64 2>/dev/null; then
		check "64 GiB as without the library" false
	fi
	under CONTIG_POLICY="$policy" "$probe" quick 8
	echo "malloc(8 GiB): $(cat "$tmp/out") us"
	check "malloc(8 GiB) within 100 ms" test "$(cat "$tmp/out")" -le 100000
}

leave_alone
children
mistakes
rules
limited
sparse
finish
