#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig pool: what is shown, what a dry run prints, what is refused, and what boots keep. Nothing
# is changed.
. "$(dirname "$0")/common.bash"
small=/sys/kernel/mm/hugepages/hugepages-2048kB
[ -r $small/nr_hugepages ] || skip "no pool of 2 MiB pages here"

status 0 "$contig" pool
says "$out" "pages of *total *free *reserved *surplus *overcommit"
says "$out" "2M "
shown=$out
status 0 "$contig" pool show
[ "${out%%default*}" = "${shown%%default*}" ] || echo "the pools changed meanwhile"
status 0 "$contig" pool --json
json "[p['page_bytes'] for p in it['pools'] if p['page_bytes'] == 2 << 20] == [2 << 20]"
json "all(sum(n['total'] for n in p['nodes']) == p['total'] for p in it['pools'] if p['nodes'])"
json "it['default_page_bytes'] > 0 and isinstance(it['mounts'], list)"
status 0 "$contig" pool mounts --json
json "isinstance(it['mounts'], list)"

# Used wrongly.
for words in frobnicate "reserve" "reserve 64Q" "reserve -- -1" "reserve 0" "reserve 1G 2G" \
	"reserve 99999999999999999999G" "release" "release 1M --all" "release 1x" "show 1G" \
	"show --all" "reserve 1G --json" "reserve 1G --all" "release 1G --compact" \
	"release 1G --contiguous" "reserve 1G --create" "mounts --persist" "reserve 1G --node -1" \
	"reserve 1G --node x" "reserve 1G --node 99999999999" "reserve 1G --node 1024" \
	"reserve 1G --page 0" "reserve 1G --page big" "reserve 1G --page"; do
	# shellcheck disable=SC2086 # words are meant
	status 2 "$contig" pool $words --dry-run
	[ -n "$err" ] && [ -z "$out" ] || fail "pool $words: $out $err"
done
# Used rightly, but not on this machine.
status 1 "$contig" pool reserve 1G --page 3M --dry-run
says "$err" "no pool of 3M pages"
status 1 "$contig" pool reserve 1G --node 1023 --dry-run
says "$err" "no NUMA node 1023"
for size in 1000T 8E; do
	status 1 "$contig" pool reserve $size --dry-run
	says "$err" "of memory are available"
	[ ! -e /sys/kernel/mm/hugepages/hugepages-1048576kB/demote ] ||
		status 1 "$contig" pool reserve $size --contiguous --dry-run
done

# A dry run prints every file and number, and changes nothing.
before=$(cat $small/nr_hugepages)
status 0 "$contig" pool reserve 5M --page 2M --dry-run
says "$out" "echo $((before + 3)) > $small/nr_hugepages"
lines 1
status 0 "$contig" pool reserve 4M --page 2M --compact --dry-run
says "$out" "echo 1 > /proc/sys/vm/compact_memory"
if [ -e /sys/devices/system/node/node0/hugepages/hugepages-2048kB ]; then
	status 0 "$contig" pool reserve 4M --page 2M --node 0 --dry-run
	says "$out" "> /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
fi
if [ -e /sys/kernel/mm/hugepages/hugepages-1048576kB/demote ]; then
	status 0 "$contig" pool reserve 1500M --page 2M --contiguous --dry-run
	says "$out" "hugepages-1048576kB/nr_hugepages"
	says "$out" "echo 2 > *hugepages-1048576kB/demote"
	says "$out" "hugepages-2048kB/nr_hugepages*goes back"
	status 0 "$contig" pool reserve 1500M --page 1G --contiguous --dry-run
	says_not "$out" "demote"
fi
status 0 "$contig" pool release --all --page 2M --dry-run
says "$out" "> $small/nr_hugepages"

# --persist: a unit below DESTDIR, one line a pool, the same after the same call.
status 0 env DESTDIR="$work/root" "$contig" pool reserve 8M --page 2M --persist --dry-run
says "$out" "ExecStart=$contig pool reserve 8M --page 2M"
[ ! -e "$work/root" ] || fail "a dry run wrote a unit"
if [ ! -d /run/systemd/system ]; then
	status 0 "$contig" pool reserve 8M --page 2M --persist --dry-run
	says "$out" "hugepagesz=2M hugepages=4"
fi
[ "$(cat $small/nr_hugepages)" -eq "$before" ] || echo "somebody else changed the pool"

# Not root: the command that would do.
[ "$(id -u)" -eq 0 ] || skip "the rest needs root"
cp "$contig" "$work/contig"
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups $work/contig"
for words in "reserve 2M --contiguous" "release --all" "mounts --create"; do
	# shellcheck disable=SC2086 # words are meant
	status 1 $nobody pool $words
	says "$err" "sudo contig pool *${words%% *}"
done
# shellcheck disable=SC2086 # words are meant
{
	status 0 $nobody pool --json
	json "it['pools']"
	status 0 $nobody pool reserve 2M --dry-run
}
