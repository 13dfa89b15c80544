#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# demo.sh, for `make demo`: two unmodified programs with and without the library, what each took,
# and where its memory came from. As root a pool of huge pages is borrowed and given back; for
# everybody else it is THP only. Exit 1 if a result is wrong or the library does not serve; not
# if it is slower.

set -u
cd "$(dirname "$0")/.." || exit 1
. tests/pool.sh
BUILD=$(realpath -m "${BUILD:-build}")
lib=$BUILD/libcontig.so
pool_mib=700
rounds=300
export LC_ALL=C
unset LD_PRELOAD "${!CONTIG_@}"

work=$(mktemp -d "${TMPDIR:-/tmp}/contig-demo.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

demo_fail() {
	echo "demo: $*" >&2
	exit 1
}

# About 16 MB of this machine's own files, always the same ones in the same order.
demo_make_input() {
	find /usr/bin /usr/lib /usr/share -xdev -type f -size +64k -size -4096k -readable \
		2>/dev/null | sort | head -n 400 | xargs -d '\n' cat 2>/dev/null | head -c 16000000
}

# demo_time NAME COMMAND...: output to $work/NAME.out; the seconds it took on standard output.
demo_time() {
	local name=$1 begin

	shift
	begin=${EPOCHREALTIME/./}
	"$@" >"$work/$name.out" || return 1
	awk -v us=$((${EPOCHREALTIME/./} - begin)) 'BEGIN { printf "%.2f\n", us / 1e6 }'
}

# demo_compare NAME COMMAND...: once without, once with the library, and the report of that.
demo_compare() {
	local name=$1 plain ours report=$work/$1.report

	shift
	plain=$(demo_time "$name.plain" "$@") || demo_fail "$name fails without the library"
	ours=$(demo_time "$name.ours" env LD_PRELOAD="$lib" CONTIG_STATS="text:$report" "$@") ||
		demo_fail "$name fails with the library"
	grep -q ': [1-9][0-9]* allocations' "$report" 2>/dev/null ||
		demo_fail "the library does not serve $name: $(cat "$report" 2>/dev/null)"
	awk -v name="$name" -v plain="$plain" -v ours="$ours" 'BEGIN {
		printf "\n%s\n  without %6.2f s\n  with    %6.2f s   (%.2f times as fast)\n",
			name, plain, ours, plain / (ours > 0 ? ours : 0.01) }'
	sed 's/^/  | /' "$report"
}

demo_describe_machine() {
	echo "kernel:   $(uname -r), $(nproc) CPUs"
	echo "THP mode: $(cat $POOL_THP_DIR/enabled 2>/dev/null || echo none)" \
		"(Debian's own kernel has always: plain programs get some huge pages there," \
		"so the gain differs)"
	if [ -n "$pool_old_pages" ]; then
		echo "pool:     $pool_mib MiB of 2 MiB pages, borrowed for this run"
	else
		echo "pool:     none, so THP only. To lend one, as root:"
		echo "          echo $((pool_mib / 2)) > $POOL_DIR/nr_hugepages"
	fi
}

[ -f "$lib" ] || demo_fail "$lib has not been built"
demo_make_input >"$work/input"
[ "$(stat -c %s "$work/input")" -gt 1000000 ] || demo_fail "found no files to compress"
pool_borrow $pool_mib
demo_describe_machine
# Memory that the host of a virtual machine has not backed yet is slow once, for whoever comes
# first: neither side may.
"$BUILD/demo_churn" $rounds >/dev/null
printf "\nxz: xz -9 over 16 MB of this machine's files; churn: $rounds rounds of 5-25 MiB buffers, 20 live\n"
demo_compare xz xz -9 -k -c "$work/input"
cmp "$work/xz.plain.out" "$work/xz.ours.out" || demo_fail "xz wrote something else"
xz -dc "$work/xz.ours.out" | cmp - "$work/input" || demo_fail "what xz wrote is damaged"
echo "  output identical: $(stat -c %s "$work/xz.ours.out") bytes"
demo_compare churn "$BUILD/demo_churn" $rounds
[ "$(cut -d' ' -f2 "$work/churn.plain.out")" = "$(cut -d' ' -f2 "$work/churn.ours.out")" ] ||
	demo_fail "the buffers held something else"
echo
echo "Try it: $(realpath --relative-to=. "$BUILD")/contig run --stats -- PROGRAM"
