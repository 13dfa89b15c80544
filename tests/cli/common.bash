# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What every tests/cli/*.sh shares. A script sources it and then has: $contig, the command;
# $work, an empty directory that is removed at the end; and the functions below.

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
BUILD=$(realpath -m "${BUILD:-build}")
# Debian's own programs, not what somebody's PATH puts before them.
export BUILD LC_ALL=C TERM=xterm PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset LD_PRELOAD LD_AUDIT GLIBC_TUNABLES NO_COLOR XDG_CONFIG_HOME "${!CONTIG_@}"
contig=$BUILD/contig
work=$(mktemp -d "${TMPDIR:-/tmp}/contig-cli.XXXXXX") || exit 1
work=$(realpath "$work")
chmod 755 "$work"
cli_pids=()

cli_clean() {
	local pid

	for pid in "${cli_pids[@]}"; do
		{ kill -KILL "$pid" && wait "$pid"; } 2>/dev/null
	done
	rm -rf "$work"
}
trap cli_clean EXIT

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

[ -x "$contig" ] || fail "$contig is not built"

# status N COMMAND...: runs it, and fails unless it exits with N. $out and $err are what it said.
status() {
	local want=$1 got

	shift
	"$@" >"$work/.out" 2>"$work/.err"
	got=$?
	out=$(tr -d '\0' <"$work/.out")
	err=$(tr -d '\0' <"$work/.err")
	[ "$got" -eq "$want" ] || fail "$* exited with $got, not $want; it said: $out $err"
}

# says TEXT PATTERN / says_not TEXT PATTERN: a shell pattern, anywhere in it.
says() {
	# shellcheck disable=SC2254 # patterns are meant
	case $1 in
	*$2*) ;;
	*) fail "expected \"$2\" in: $1" ;;
	esac
}

says_not() {
	# shellcheck disable=SC2254 # patterns are meant
	case $1 in
	*$2*) fail "expected no \"$2\" in: $1" ;;
	esac
}

lines() {
	[ "$(wc -l <"$work/.out")" -eq "$1" ] || fail "expected $1 lines, got: $out"
}

# json EXPRESSION: $out is JSON, and the expression of python holds for it, as `it`.
json() {
	/usr/bin/python3 -c '
import json, sys
it = json.load(open(sys.argv[1], encoding="utf-8"))
sys.exit(0 if eval(sys.argv[2]) else 1)' "$work/.out" "$1" || fail "not so: $1, in: $out"
}

# stub FILE [FLAG...]: a library that stands for libcontig.so (tests/cli/stub.c).
stub() {
	local file=$1

	shift
	gcc -shared -fPIC -O1 -Iinclude "$@" -o "$file" tests/cli/stub.c || fail "no stub"
}

# own_contig: $contig becomes a copy of the command with a stub beside it, in $work/bin.
own_contig() {
	mkdir -p "$work/bin"
	cp "$contig" "$work/bin/contig"
	stub "$work/bin/libcontig.so"
	contig=$work/bin/contig
}

# start LIBRARY: a program with it, as $pid, when it has come to its main().
start() {
	LD_PRELOAD=$1 sleep 1000 &
	pid=$!
	cli_pids+=("$pid")
	for _ in {1..200}; do
		[ "$(cat "/proc/$pid/comm")" = sleep ] && grep -q "${1##*/}" "/proc/$pid/maps" &&
			[ "$(awk '{print $3}' "/proc/$pid/stat")" = S ] && return
		sleep 0.02
	done
	fail "sleep does not start"
}

# in_namespace SCRIPT [ARGUMENT...]: bash in a mount namespace of its own; skips if it can't be had.
in_namespace() {
	local flags=-m

	[ "$(id -u)" -eq 0 ] || flags=-rm
	unshare $flags true 2>/dev/null || skip "no mount namespaces here"
	unshare $flags bash -c "$@"
}
