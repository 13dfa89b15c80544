#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang: an object, byte for byte the same with and without the library.

. "$(dirname "$0")/lib.sh"
need clang

app() {
	cp "$work/large.c" .
	under clang -O2 -c large.c -o large.o
	same large.o "$work/large.o" "clang's object"
	served 'clang*' "$(pool_of_backing)"
}

awk 'BEGIN {
	for (i = 0; i < 1500; i++)
		printf "int f%d(int x) { return x * %d + (x > %d ? x / 3 : x %% 7); }\n", i, i, i
}' >"$work/large.c"
(cd "$work" && clang -O2 -c large.c -o large.o) || fail "clang fails without the library"
apps_main
