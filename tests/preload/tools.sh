#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 180
# Programs with an allocator of their own that looks over them, and programs below valgrind: the
# one kind is left alone and finds its bug, the other runs through.
. "$(dirname "$0")/helpers/common.bash"
build_helper probe

sanitized() {
	clang -O1 -g -fno-builtin -fsanitize=address -Iinclude -o "$tmp/asan" \
		tests/preload/helpers/asan.c -ldl || exit 1
	under "$tmp/asan"
	check "a program with AddressSanitizer is left alone" \
		printed "it runs under a sanitizer"
	under "$tmp/asan" overflow
	check "and its bug is found" grep -q 'AddressSanitizer: heap-buffer-overflow' "$tmp/err"
}

if ! command -v valgrind >/dev/null || ! command -v clang >/dev/null; then
	echo "valgrind and clang are needed"
	exit 77
fi
sanitized
under valgrind --tool=memcheck --quiet "$tmp/probe" served
check "memcheck" printed yes
under valgrind --tool=callgrind --quiet --callgrind-out-file="$tmp/callgrind" "$tmp/probe" served
check "callgrind" printed yes
finish
