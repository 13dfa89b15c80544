#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 120
# contig pool on the real pool: it grows and shrinks by what is asked for, says what is missing,
# and leaves pages in use where they are.
. "$(dirname "$0")/common.bash"
. tests/cli/pool.bash
gcc -O1 -o "$work/prove" tests/cli/pool_prove.c || fail "no compiler"
gcc -shared -fPIC -O1 -o "$work/shim.so" tests/cli/pool_shim.c || fail "no compiler"
total() { cat $small/nr_hugepages; }
before=$(total)

status 0 "$contig" pool reserve 15M --page 2M
says "$out" "16M more: pool of 2M: $((before + 8)) pages"
[ "$(total)" -eq $((before + 8)) ] || fail "the pool has $(total) pages"
status 0 "$contig" pool release 15M --page 2M
says "$out" "16M less"
unchanged
if [ -d /sys/devices/system/node/node0 ]; then
	status 0 "$contig" pool reserve 4M --page 2M --node 0
	status 0 "$contig" pool release 4M --page 2M --node 0
	unchanged
fi

# Fewer than asked for: 1, what is missing, and the command; --compact tries again.
export POOL_MOST=$((before + 3))
status 1 env LD_PRELOAD="$work/shim.so" "$contig" pool reserve 16M --page 2M
says "$err" "got 3 of 8 pages of 2M, 10M are missing: contig pool reserve 10M --page 2M --compact"
[ "$(total)" -eq $((before + 3)) ] || fail "the pool has $(total) pages"
says_not "$err" "dropped"
status 0 "$contig" pool release 6M --page 2M
status 1 env LD_PRELOAD="$work/shim.so" "$contig" pool reserve 16M --page 2M --compact
says "$err" "dropped*compacted*got 3 of 8 pages of 2M, 10M are missing*at boot"
status 0 "$contig" pool release 6M --page 2M
unset POOL_MOST

# Pages in use stay where they are, as surplus, and leave when they become free.
status 0 "$contig" pool reserve 16M --page 2M
free=$(cat $small/free_hugepages)
coproc "$work/prove" "$free" hold
cli_pids+=("$COPROC_PID")
read -r line <&"${COPROC[0]}"
says "$line" "runs "
status 0 "$contig" pool release --all --page 2M
[ "$(cat $small/surplus_hugepages)" -eq 0 ] || fail "--all made pages in use surplus"
status 1 "$contig" pool release 4M --page 2M
says "$err" "2 pages are in use"
[ "$(cat $small/surplus_hugepages)" -eq 2 ] || fail "no surplus"
# More of it: free ones, although there is surplus.
status 0 "$contig" pool reserve 4M --page 2M
[ "$(cat $small/free_hugepages)" -eq 2 ] || fail "free: $(cat $small/free_hugepages), not 2"
status 0 "$contig" pool release --all --page 2M
exec {COPROC[1]}>&-
wait "$COPROC_PID" 2>/dev/null
status 0 "$contig" pool release "$((2 * ($(total) - before)))M" --page 2M
unchanged

# More than there is.
status 1 "$contig" pool release 100G --page 2M --dry-run
says "$err" "the pool has $before"

# --persist, below DESTDIR; idempotent, one line a pool; strangers' lines do no harm.
unit=$work/root/etc/systemd/system/contig-pool.service
for size in 2M 4M 4M; do
	status 0 env DESTDIR="$work/root" "$contig" pool reserve $size --page 2M --persist
	status 0 "$contig" pool release $size --page 2M
done
[ "$(grep -c '^ExecStart=' "$unit")" -eq 1 ] || fail "$(cat "$unit")"
grep -qx "ExecStart=$contig pool reserve 4M --page 2M" "$unit" || fail "$(cat "$unit")"
[ "$(readlink -f "$work/root/etc/systemd/system/sysinit.target.wants/contig-pool.service")" = \
	"$unit" ] || fail "the unit is not enabled"
cp "$unit" "$work/unit"
head -c 40000 /dev/urandom >>"$unit"
echo "ExecStart=/bin/true pool reserve 1G --page 1G" >>"$work/unit"
status 0 env DESTDIR="$work/root" "$contig" pool reserve 2M --page 2M --persist
status 0 "$contig" pool release 2M --page 2M
grep -qx "ExecStart=$contig pool reserve 2M --page 2M" "$unit" || fail "$(cat "$unit")"
cp "$work/unit" "$unit"
status 0 env DESTDIR="$work/root" "$contig" pool reserve 2M --page 2M --persist
status 0 "$contig" pool release 2M --page 2M
[ "$(grep -c '^ExecStart=' "$unit")" -eq 2 ] || fail "$(cat "$unit")"
unchanged

# Mounts, in a namespace of our own.
in_namespace 'mount -t tmpfs none /var/lib &&
	"$0" pool mounts --create && "$0" pool mounts --create &&
	stat -fc "%T %s" /var/lib/hugetlbfs/pagesize-2MB && "$0" pool mounts --json >"$1"' \
	"$contig" "$work/.out" >"$work/mounts" 2>&1 || fail "mounts: $(cat "$work/mounts")"
grep -q "hugetlbfs 2097152" "$work/mounts" || fail "$(cat "$work/mounts")"
json "sum(m['page_bytes'] == 2 << 20 for m in it['mounts']) == 1"
