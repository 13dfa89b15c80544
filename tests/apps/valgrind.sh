#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 240
# memcheck and callgrind with the library preloaded: they refuse large reservations, and the
# program must run on and be right.

. "$(dirname "$0")/lib.sh"
need valgrind sqlite3 perl

app() {
	local tool option

	for tool in memcheck callgrind; do
		option=--leak-check=no
		[ $tool = memcheck ] || option=--callgrind-out-file=/dev/null
		under valgrind --tool=$tool $option --log-file=$tool.log perl -e '
			my @all = map { chr(97 + $_) x 2_000_000 } 0 .. 5;
			my $pid = fork; die unless defined $pid;
			if (!$pid) { exit(length(join "", @all) == 12_000_000 ? 0 : 1) }
			waitpid $pid, 0; print "$? ", substr($all[5], -3), "\n";' >out 2>err ||
			fail "$tool: $(tail -n 5 err $tool.log)"
		[ "$(cat out)" = "0 fff" ] || fail "$tool: another result: $(cat out)"
		! grep -E 'Invalid (read|write|free)|Mismatched' $tool.log >&2 ||
			fail "$tool finds errors"
	done
}

apps_main
