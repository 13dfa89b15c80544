# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts of tests/preload share: programs of their own, run with settings of their own.

cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
BUILD=$(realpath -m "${BUILD:-build}")
lib=$BUILD/libcontig.so
export LC_ALL=C
failures=0

[ -f "$lib" ] || { echo "$lib is not built"; exit 1; }
unset LD_PRELOAD "${!CONTIG_@}"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# build_helper NAME: tests/preload/helpers/NAME.c becomes $tmp/NAME.
build_helper() {
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-builtin -pthread -Iinclude -Itests \
		-Itests/preload -Wall -Wextra -Wno-unused-parameter -Werror \
		-o "$tmp/$1" "tests/preload/helpers/$1.c" -ldl || exit 1
}

# under [VARIABLE=VALUE...] COMMAND...: with the library; what it says is in $tmp/out, $tmp/err
under() {
	env LD_PRELOAD="$lib" "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# check WHAT COMMAND...: COMMAND must succeed.
check() {
	local what=$1

	shift
	if ! "$@"; then
		failures=$((failures + 1))
		echo "not so: $what"
		echo "  status $status; stdout:"
		head -n 20 "$tmp/out" | sed 's/^/  | /'
		echo "  stderr:"
		head -n 20 "$tmp/err" | sed 's/^/  | /'
	fi
}

# The command went well and printed exactly $1.
printed() {
	[ "$status" -eq 0 ] && [ "$(cat "$tmp/out")" = "$1" ]
}

# Standard error is one line, with $1 in it.
said_once() {
	[ "$(wc -l <"$tmp/err")" -eq 1 ] && grep -qF -- "$1" "$tmp/err"
}

said_nothing() {
	[ ! -s "$tmp/err" ]
}

finish() {
	[ $failures -eq 0 ]
	exit
}
