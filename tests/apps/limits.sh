#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Limits on the address space: the library reserves less, or nothing, and the program runs.

. "$(dirname "$0")/lib.sh"
need perl

# The program takes some 50 MB. At each limit at which it runs by itself it must run with us.
app() {
	local mib

	for mib in 200 600 2000 20000; do
		(
			ulimit -v $((mib * 1024))
			under perl -e '
				my @all = map { chr(97 + $_) x 4_000_000 } 0 .. 9;
				my $pid = fork // die "fork: $!";
				if (!$pid) { exit(length(join "", @all) == 40_000_000 ? 0 : 1) }
				waitpid $pid, 0; print "$? ", substr($all[9], -3), "\n";'
		) >out 2>err || fail "ulimit -v of $mib MiB: $(cat out err)"
		[ "$(cat out)" = "0 jjj" ] || fail "ulimit -v of $mib MiB: $(cat out err)"
	done
	served perl "$(pool_of_backing)"
	# A limit that the program sets on itself.
	if command -v python3 >/dev/null; then
		under python3 -c '
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
kept = [bytearray(10 << 20) for i in range(20)] + [bytes(99) for i in range(100000)]
print("ok")' >out 2>err || fail "python3 with a limit of its own: $(cat err)"
		[ "$(cat out)" = ok ] || fail "python3 with a limit of its own: $(cat out err)"
	fi
	# What does not fit is refused in the program's own way, not by a crash.
	(
		ulimit -v 300000
		under perl -e 'my $x = "a" x 1_000_000_000; print length $x'
	) >out 2>err && fail "1 GB fits in 300 MB"
	grep -qi 'out of memory' err || fail "perl does not say why: $(cat err)"
}

apps_main
