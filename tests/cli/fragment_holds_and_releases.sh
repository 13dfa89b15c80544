#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench/fragment: keeps one page a stride of each block, pinned, within the limit given; lets go of
# all when its input closes, a signal comes, it is killed, or its command ends; refuses nonsense.
. "$(dirname "$0")/common.bash"

limit=512
make -s -f Makefile -f mk/bench.mk BUILD="$BUILD" "$BUILD/bench/bin/fragment" || fail "not built"
fragment=$BUILD/bench/bin/fragment

# Used wrongly.
for arguments in '' '--limit' '--limit x' '--limit -1' '--limit 1M' '--limit 0' '--limit 9999999999999G' \
	'--limit 64MM' '--share 0' '--share 2' '--share nan' '--share 0.5x' \
	'--limit 64M --stride 4K' '--limit 64M --stride 4M' '--limit 64M --stride 12K' \
	'--limit 64M --stride x' '--limit 64M --pin nails' '--limit 64M --wrong' '--limit 64M command'; do
	# shellcheck disable=SC2086 # words are meant
	status 2 "$fragment" $arguments
	says "$err" "usage: fragment"
	lines 0
done

grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null &&
	skip "THP is off; the rest passed"
available=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
total=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
[ "$available" -gt $((limit * 2 + total / 8 + 512)) ] || skip "too little memory; the rest passed"

# start ARGUMENT...: the program in the background, its input open on descriptor 3, until it holds.
start() {
	rm -f "$work/in" "$work/.out" "$work/.err"
	mkfifo "$work/in"
	"$fragment" "$@" <"$work/in" >"$work/.out" 2>"$work/.err" &
	pid=$!
	cli_pids+=("$pid")
	exec 3>"$work/in"
	for _ in $(seq 300); do
		[ ! -s "$work/.out" ] || break
		sleep 0.1
	done
	[ -s "$work/.out" ] || skip "it does not hold: $(cat "$work/.err"); the rest passed"
	out=$(cat "$work/.out")
}

# ended STATUS: it ends by itself, soon, with that status.
ended() {
	local got

	for _ in $(seq 100); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	wait "$pid"
	got=$?
	exec 3>&-
	[ $got -eq "$1" ] || fail "ended with $got, not $1: $(cat "$work/.err")"
}

# pinned_kib: what the kernel counts against RLIMIT_MEMLOCK for it (root's pins, too).
pinned_kib() {
	awk '/^VmPin:/ { print $2 }' "/proc/$pid/status"
}

# One page in 2 MiB, at most as many blocks as the limit has.
start --limit ${limit}M
json "0 < it['blocks'] <= $limit // 2 and it['pages'] == it['blocks']"
json "it['held_mib'] < 2 and it['free_blocks_before'] >= 0"
rss=$(awk '/^RssAnon:/ { print $2 }' "/proc/$pid/status")
[ "$rss" -lt 8192 ] || fail "it holds $rss KiB for 1 MiB"
if grep -q io_uring "$work/.out"; then
	pages=$(sed 's/.*"pages": \([0-9]*\).*/\1/' "$work/.out")
	[ "$(pinned_kib)" -eq $((pages * 4)) ] || fail "$(pinned_kib) KiB pinned of $pages pages"
fi
exec 3>&-
ended 0

# One in 64 KiB; signals.
for signal in HUP:129 INT:130 TERM:143; do
	start --limit 64M --stride 64K
	json "it['pages'] == 32 * it['blocks']"
	kill -"${signal%:*}" "$pid"
	ended "${signal#*:}"
done

# Stopped while it is at it.
"$fragment" --limit ${limit}M <"$work/in" >"$work/.out" 2>&1 &
pid=$!
cli_pids+=("$pid")
exec 3>"$work/in"
kill -TERM $pid
ended 143

# A command: its status, its signal, its input; it has no part of what is pinned.
status 7 "$fragment" --limit 16M -- sh -c 'exit 7'
status 143 "$fragment" --limit 16M -- sh -c 'kill -TERM $$'
status 127 "$fragment" --limit 16M -- "$work/nothing"
status 126 "$fragment" --limit 16M -- "$work"
status 0 "$fragment" --limit 16M -- cat < <(echo words)
says "$out" words
"$fragment" --limit 16M -- sleep 60 >"$work/.out" &
pid=$!
cli_pids+=("$pid")
for _ in $(seq 100); do
	[ ! -s "$work/.out" ] || break
	sleep 0.1
done
sleep 0.3
kill -TERM $pid
exec 3>/dev/null
ended 143

# The other ways to pin, and what is held is let go of: the memory comes back.
for way in vmsplice none; do
	start --limit 64M --stride 8K --pin $way
	json "it['pinned_by'] == '$way' and it['pages'] == 256 * it['blocks']"
	kill -TERM "$pid"
	ended 143
done

# Killed: the kernel lets go of it. 256 MiB are held, more than chance would bring back.
free_mib() {
	awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo
}
start --limit ${limit}M --stride 8K
json "it['held_mib'] > 200 or it['stopped_by'] != 'limit'"
held=$(free_mib)
kill -KILL "$pid"
wait "$pid" 2>/dev/null
exec 3>&-
for _ in $(seq 100); do
	[ $(($(free_mib) - held)) -lt 150 ] || exit 0
	sleep 0.1
done
grep -q '"stopped_by": "limit"' "$work/.out" || exit 0
fail "the memory does not come back: $held MiB available while held, $(free_mib) now"
