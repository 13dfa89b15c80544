#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A program built with -fsanitize=address brings its own malloc: it is left alone, and finds
# its faults as ever.

. "$(dirname "$0")/lib.sh"
need gcc

cat >"$work/program.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	size_t bytes = 4 << 20;
	char *big = malloc(bytes);

	memset(big, 1, bytes);
	printf("%d\n", big[bytes / 2]);
	fflush(stdout);
	if (argc > 1)
		big[bytes + atoi(argv[1])] = 1;
	free(big);
	return 0;
}
END

# build COMPILER: $work/asan-COMPILER
build() {
	"$1" -O0 -g -fsanitize=address -o "$work/asan-$1" "$work/program.c" || exit 1
}

try() {
	under "$1" >out 2>err || fail "$1 fails: $(cat err)"
	[ "$(cat out)" = 1 ] || fail "$1: another result: $(cat out)"
	! under "$1" 1 >out 2>err || fail "$1 no longer finds its fault"
	grep -q 'heap-buffer-overflow' err || fail "$1 finds something else: $(cat err)"
	[ "$(cat out)" = 1 ] || fail "$1: another result: $(cat out)"
}

app() {
	local program

	# gcc's runtime is a library that refuses to run behind any preload, unless told so.
	export ASAN_OPTIONS=verify_asan_link_order=0
	for program in "$work"/asan-*; do
		try "$program"
	done
}

build gcc
! command -v clang >/dev/null || build clang
apps_main
