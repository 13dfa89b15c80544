#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig top: lists the programs that have the library by what is asked for, one block or one line
# of JSON a look; takes no notice of those that end meanwhile; names what it may not read.
. "$(dirname "$0")/common.bash"

mkdir "$work/a" "$work/b" "$work/c" "$work/d"
stub "$work/a/libcontig.so" -DSTUB_LIVE="1ull << 30"
stub "$work/b/libcontig.so" -DSTUB_LIVE="3ull << 30"
stub "$work/c/libcontig.so" -DSTUB_VERSION=99
stub "$work/d/libcontig.so" -DSTUB_LEFT_ALONE
start "$work/d/libcontig.so"
alone=$pid
start "$work/c/libcontig.so"
other=$pid
start "$work/a/libcontig.so"
small=$pid
start "$work/b/libcontig.so"
large=$pid
# One that has ended and that nobody has waited for.
LD_PRELOAD=$work/a/libcontig.so sh -c 'sleep 0 & echo $! >"$1"; LD_PRELOAD= exec sleep 1000' sh \
	"$work/zombie" &
cli_pids+=($!)

status 0 "$contig" top --once
says "$out" "live; *pool 2M: * total, * free"
says "$out" "PID PROGRAM *LIVE HUGETLB"
says "$out" "$large sleep * 3.0G *3.0G"
says "$out" "$large sleep *
*$small sleep * 1.0G"
says "$out" "$other sleep *of another version (figures 99"
says_not "$out" "$alone sleep"
says_not "$out" "$(cat "$work/zombie") sleep"
says_not "$out" "$(printf '\033')"
status 0 "$contig" top --once --sort pid
says "$out" "$small sleep *
*$large sleep"
for key in hugetlb thp mthp base kept huge largest entries extents requests frees fell forks \
	program; do
	status 0 "$contig" top --once --sort $key
done

# Every look is a line that is JSON by itself; the second one comes after an interval.
status 0 "$contig" top --json --count 3 --interval 0.1 --sort hugetlb
lines 3
one_of=$(sed -n 2p "$work/.out")
printf '%s\n' "$one_of" >"$work/.out"
json "[p['pid'] for p in it['processes'] if p['pid'] in ($large, $small)] == [$large, $small]"
json "[p['hugetlb_bytes'] >> 30 for p in it['processes'] if p['pid'] == $large] == [3]"
json "[p['fell_through'] for p in it['processes'] if p['pid'] == $large] == [12]"
json "all(p['entries'] is None for p in it['processes'] if p['pid'] == $large)"
json "[p['pid'] for p in it['other_versions']] == [$other] and it['unreadable'] >= 0"
json "all(p['free_bytes'] <= p['total_bytes'] for p in it['pools'])"

# One ends between two looks.
"$contig" top --json --count 6 --interval 0.3 >"$work/looks" 2>"$work/.err" &
top=$!
cli_pids+=("$top")
for _ in {1..100}; do
	[ ! -s "$work/looks" ] || break
	sleep 0.02
done
kill -KILL "$large"
wait "$top" || fail "top: status $?"
[ ! -s "$work/.err" ] || fail "it said: $(cat "$work/.err")"
head -n 1 "$work/looks" >"$work/.out"
json "$large in [p['pid'] for p in it['processes']]"
tail -n 1 "$work/looks" >"$work/.out"
json "[p['pid'] for p in it['processes'] if p['pid'] in ($large, $small)] == [$small]"

# Blocks of text are parted by an empty line.
status 0 "$contig" top --count 2 --interval 0.1
[ "$(grep -c '^$' "$work/.out")" -eq 1 ] && [ "$(grep -c 'PID PROGRAM' "$work/.out")" -eq 2 ] ||
	fail "no two blocks: $out"

[ "$(id -u)" -eq 0 ] || skip "permissions need root to be tested; the rest passed"
cp "$contig" "$work/contig"
as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups $work/contig"
# shellcheck disable=SC2086 # words are meant
status 0 $as_nobody top --once
says_not "$out" "$small sleep"
says "$(tail -n 1 "$work/.out")" "[1-9]* could not be looked at (no permission"
# shellcheck disable=SC2086 # words are meant
status 0 $as_nobody top --once --json
json "it['processes'] == [] and it['unreadable'] > 0"
