#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig says how it is used; wrong use is status 2 and goes to standard error.
. "$(dirname "$0")/common.bash"

status 0 "$contig" --version
says "$out" "contig [0-9]*.[0-9]*.[0-9]*"
status 0 "$contig" help
for name in run check explain doctor stat top map pool; do
	says "$out" "  $name "
done
[ -z "$err" ] || fail "help wrote to standard error: $err"
for name in run check explain doctor stat top map pool; do
	status 0 "$contig" "$name" --help
	says "$out" "usage: contig $name"
	first=$out
	status 0 "$contig" help "$name"
	[ "$out" = "$first" ] || fail "help $name differs from $name --help"
	status 2 "$contig" "$name" --no-such-option
	says "$err" "usage: contig $name"
	[ -z "$out" ] || fail "misuse wrote to standard output: $out"
done

status 2 "$contig"
says "$err" "usage: contig COMMAND"
status 2 "$contig" frobnicate
says "$err" "frobnicate: no such command"
status 2 "$contig" help frobnicate
status 2 "$contig" run
says "$err" "no program named"
status 2 "$contig" check one two
status 2 "$contig" doctor one
status 2 "$contig" stat 1 2
status 2 "$contig" stat abc
status 2 "$contig" stat -- -1
status 2 "$contig" stat 0
status 2 "$contig" stat 99999999999999999999
status 2 "$contig" map
status 2 "$contig" map abc
status 2 "$contig" map 0
status 2 "$contig" map " 1"
status 2 "$contig" map 1 xyz
status 2 "$contig" map 1 2 3
status 2 "$contig" map --json --svg /dev/null 1
status 2 "$contig" explain
status 2 "$contig" explain --size 64Q
says "$err" '"64Q", expected a size'
status 2 "$contig" explain --size -1
status 2 "$contig" explain --size 1M --align 3
says "$err" "power of two"
status 2 "$contig" explain --size 1M --align 0
status 2 "$contig" explain --size 1M --call frobnicate
says "$err" "mmap-shared"
status 2 "$contig" explain --size 1M extra

# A listing that does not reach its reader is a failure.
for name in help doctor "explain --size 1M" "stat --json" pool "pool mounts --json"; do
	# shellcheck disable=SC2086 # words are meant
	"$contig" $name >/dev/full 2>"$work/.err"
	[ $? -eq 1 ] || fail "$name on a full disk is no failure"
	says "$(cat "$work/.err")" "No space left"
done

# Colour: on a terminal only, and not with NO_COLOR.
esc=$(printf '\033')
status 0 "$contig" explain --size 1M
says_not "$out" "$esc"
status 0 script -qec "$contig explain --size 1M" /dev/null
says "$out" "${esc}[[]"
status 0 env NO_COLOR=1 script -qec "$contig explain --size 1M" /dev/null
says_not "$out" "${esc}[[]"
