#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig stat: finds the programs that have the library, reads their figures from their memory,
# and says why where it cannot.
. "$(dirname "$0")/common.bash"

mkdir "$work/a" "$work/b" "$work/c" "$work/d" "$work/e"
stub "$work/a/libcontig.so"
start "$work/a/libcontig.so"
served=$pid
status 0 "$contig" stat "$pid"
says "$out" "$pid sleep: serving for [0-9]* s, zone of 64G at 0x200000000000"
says "$out" "hugetlb-2M, pages of 2M*allocations *7*live_bytes *64M*fell through *12*syscalls *4711"
says_not "$out" "thp, pages"
status 0 "$contig" stat --json "$pid"
json "len(it) == 1 and it[0]['pid'] == $pid and it[0]['serving'] and it[0]['program'] == 'sleep'"
json "it[0]['syscalls'] == 4711 and it[0]['retained_bytes'] == 3 << 20"
json "[p['name'] for p in it[0]['pools']] == ['hugetlb-2M', 'thp']"
json "it[0]['pools'][0]['fell_through']['POOL'] == 12"
# Every figure there is.
for figure in $(sed -n 's/^CONTIG_STAT(\([a-z_]*\),.*/\1/p' include/contig_stats.def); do
	json "'$figure' in it[0]"
done
for figure in $(sed -n 's/^CONTIG_POOL_STAT(\([a-z_]*\),.*/\1/p' include/contig_stats.def); do
	json "'$figure' in it[0]['pools'][1]"
done
for reason in $(sed -n 's/^CONTIG_REASON(\([A-Z_]*\),.*/\1/p' include/contig_stats.def); do
	json "'$reason' in it[0]['pools'][1]['fell_through']"
done

# Without a PID: found among all.
status 0 "$contig" stat
says "$out" "$pid sleep: serving"
status 0 "$contig" stat --json
json "$pid in [p['pid'] for p in it]"

# The file replaced, then gone: the figures come from memory.
cp "$work/a/libcontig.so" "$work/copy.so"
rm "$work/a/libcontig.so"
echo something else >"$work/a/libcontig.so"
status 0 "$contig" stat "$pid"
says "$out" "syscalls *4711"
rm "$work/a/libcontig.so"
status 0 "$contig" stat
says "$out" "$pid sleep: serving"

# With the old hash table beside the GNU one, and with symbols before it in the chains.
gcc -shared -fPIC -O1 -Iinclude -Wl,--hash-style=both -o "$work/b/libcontig.so" tests/cli/stub.c \
	-x c - <<<"$(for i in {1..300}; do echo "int symbol_$i;"; done)" || fail "no stub"
start "$work/b/libcontig.so"
status 0 "$contig" stat "$pid"
says "$out" "syscalls *4711"

# Loaded, but: left alone; not begun; of another version; no library of ours at all.
stub "$work/c/libcontig.so" -DSTUB_LEFT_ALONE
start "$work/c/libcontig.so"
status 0 "$contig" stat "$pid"
says "$out" 'left alone, it said "no"'
status 0 "$contig" stat --json "$pid"
json "it[0]['why'] == 'it said \"no\"' and not it[0]['serving']"
stub "$work/d/libcontig.so" -DSTUB_MAGIC=0
start "$work/d/libcontig.so"
status 1 "$contig" stat "$pid"
says "$err" "process $pid: libcontig.so is mapped but has not begun"
stub "$work/e/libcontig.so" -DSTUB_VERSION=99
start "$work/e/libcontig.so"
status 1 "$contig" stat "$pid"
says "$err" "another version (figures 99"
status 1 "$contig" stat --json "$pid"
json "not it[0]['read'] and 'another version' in it[0]['state']"
gcc -shared -fPIC -x c -o "$work/e/libcontig.so.new" - <<<'int nothing;'
mv "$work/e/libcontig.so.new" "$work/e/libcontig.so"
start "$work/e/libcontig.so"
status 1 "$contig" stat "$pid"
says "$err" "process $pid:"

# No library; no process; no permission.
sleep 1000 &
cli_pids+=($!)
status 1 "$contig" stat $!
says "$err" "libcontig.so is not mapped"
status 1 "$contig" stat 4194304
says "$err" "no such process"
[ "$(id -u)" -eq 0 ] || skip "permissions need root to be tested; the rest passed"
cp "$contig" "$work/contig"
as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups $work/contig"
# shellcheck disable=SC2086 # words are meant
{
	status 1 $as_nobody stat "$served"
	says "$err" "no permission"
	status 0 $as_nobody stat
	says "$err" "could not be looked at (no permission)"
	status 0 $as_nobody stat --json
}
json "it == []"
