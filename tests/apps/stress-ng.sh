#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 240 900
# stress-ng --verify: it checks each page and each value that it writes. With the pool, mmap is
# on huge pages, too.

. "$(dirname "$0")/lib.sh"
need stress-ng

seconds=2
[ -z "${CHECK_LONG:-}" ] || seconds=15
apps_pool_mib=512

stress() {
	local name=$1

	shift
	under stress-ng --temp-path "$PWD" --no-rand-seed --verify --timeout "${seconds}s" \
		--oomable --metrics-brief "--$name" 2 "$@" >"$name.log" 2>&1 || {
		cat "$name.log" >&2
		fail "stress-ng --$name failed"
	}
	! grep -E 'fail:|\[[0-9]+\] (SIGSEGV|SIGBUS)' "$name.log" >&2 || fail "stress-ng --$name"
}

app() {
	[ "$backing" != hugetlb ] || policy="call=mmap,size=2M..: hugetlb-2M, thp; $policy"
	stress malloc --malloc-bytes 128M --malloc-max 64 --malloc-touch
	stress mmap --mmap-bytes 64M
	stress mremap --mremap-bytes 32M
	stress madvise
	stress brk --brk-notouch
	stress fork
	stress vm --vm-bytes 128M --vm-keep
	stress vm-rw --vm-rw-bytes 32M
	stress bigheap --bigheap-growth 256K --bigheap-ops 2000
	stress memcpy
	served stress-ng
}

apps_main
