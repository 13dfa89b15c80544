#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 180
# contig pool reserve --contiguous: what it says is one run is one, nothing else changes, and a
# signal or a failure leaves the pools as they were.
. "$(dirname "$0")/common.bash"
. tests/cli/pool.bash
[ -w $giant/demote ] || skip "no pages of 1 GiB that can be demoted here"
available=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
[ "$available" -gt $((6 << 20)) ] || skip "$((available >> 10)) MiB available, 6 GiB needed"
[ "$(cat $small/free_hugepages)" -eq 0 ] || skip "the pool has free pages of its own"
gcc -O1 -o "$work/prove" tests/cli/pool_prove.c || fail "no compiler"
gcc -shared -fPIC -O1 -o "$work/shim.so" tests/cli/pool_shim.c || fail "no compiler"
before=$(cat $small/nr_hugepages)
giants=$(cat $giant/nr_hugepages)

# A signal while gigabytes are taken.
for signal in TERM INT; do
	env --default-signal=INT "$contig" pool reserve 2G --page 2M --contiguous \
		>"$work/said" 2>&1 &
	pid=$!
	cli_pids+=("$pid")
	for _ in {1..500}; do
		[ "$(cat $giant/nr_hugepages)" -eq "$giants" ] || break
		sleep 0.005
	done
	kill -$signal $pid
	wait $pid
	code=$?
	if [ $code -eq 1 ] && grep -q "not one free gigabyte" "$work/said"; then
		skip "no free gigabyte on this machine"
	fi
	[ $code -gt 128 ] || fail "SIG$signal: exited with $code: $(cat "$work/said")"
	grep -q "as they were before" "$work/said" || fail "$(cat "$work/said")"
	unchanged
done

# Two gigabytes that are no neighbours, as far as it can see: 1, and it says so.
export POOL_MOST=$((giants + 2))
status 1 env LD_PRELOAD="$work/shim.so" POOL_SCATTER=1 \
	"$contig" pool reserve 2G --page 1G --contiguous
says "$out" "in 2 physical runs"
says "$err" "no 2 free gigabytes lie side by side"
status 0 "$contig" pool release 2G --page 1G
unchanged
# One of two: partial.
POOL_MOST=$((giants + 1))
status 1 env LD_PRELOAD="$work/shim.so" "$contig" pool reserve 2G --page 1G --contiguous
says "$err" "1G of 2G are missing"
status 0 "$contig" pool release 1G --page 1G
# None.
POOL_MOST=$giants
status 1 env LD_PRELOAD="$work/shim.so" "$contig" pool reserve 2G --page 2M --contiguous
says "$err" "not one free gigabyte could be had"
unset POOL_MOST
unchanged

# Less than a gigabyte: the rest goes back.
status 0 "$contig" pool reserve 5M --page 2M --contiguous
says "$out" "6M more, in pages of 2M, in 1 physical run"
[ "$(cat $small/nr_hugepages)" -eq $((before + 3)) ] || fail "$(cat $small/nr_hugepages) pages"
status 0 "$contig" pool release 6M --page 2M
unchanged

# Two gigabytes. Neighbours may not be had; what is said is true all the same.
"$contig" pool reserve 2G --page 2M --contiguous >"$work/said" 2>"$work/err"
code=$?
said=$(sed -n 's/^2G more, in pages of 2M, in \([0-9]*\) physical run.*/\1/p' "$work/said")
[ -n "$said" ] || fail "$(cat "$work/said" "$work/err")"
[ $((said == 1 ? 0 : 1)) -eq $code ] || fail "$said runs, exit $code"
[ "$(cat $small/free_hugepages)" -eq 1024 ] || fail "$(cat $small/free_hugepages) free pages"
[ "$(cat $giant/nr_hugepages)" -eq "$giants" ] || fail "gigabytes left in their pool"
# The first to map them has them in ascending order; in whatever order, they are those runs.
for round in 1 2; do
	line=$("$work/prove" 1024) || fail "the pages cannot be mapped"
	[ "$(awk '{ print $2 }' <<<"$line")" -eq "$said" ] || fail "said $said runs, are: $line"
	[ $round -eq 2 ] || [ "$(awk '{ print $4 }' <<<"$line")" -eq "$said" ] ||
		fail "the first to map them has: $line"
done
status 0 "$contig" pool release 2G --page 2M
unchanged
[ "$said" -eq 1 ] || skip "no two free gigabytes side by side on this machine; the rest passed"
