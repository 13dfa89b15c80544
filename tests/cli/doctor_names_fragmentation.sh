#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig doctor: says in words how fragmented the memory is, whether compaction can help, and the
# command that does; whatever the kernel's files say, it answers.
. "$(dirname "$0")/common.bash"
own_contig

line() {
	echo "[l for l in it['lines'] if l['subject'] == '$1'][0]"
}

in_namespace true || exit
mkdir "$work/proc"
cat >"$work/cover" <<'END'
for file in buddyinfo pagetypeinfo vmstat; do
	[ ! -e "$1/$file" ] || mount --bind "$1/$file" /proc/$file || exit 99
done
mm=/sys/kernel/mm/transparent_hugepage
mount -t tmpfs none /sys/kernel/mm || exit 99
mkdir -p $mm/hugepages-1024kB $mm/hugepages-64kB
echo "always [madvise] never" >$mm/enabled
echo "always defer defer+madvise [madvise] never" >$mm/defrag
echo 2097152 >$mm/hpage_pmd_size
echo "always inherit madvise [never]" >$mm/hugepages-64kB/enabled
echo "always inherit madvise never" | sed "s/${mthp:-never}/[&]/" >$mm/hugepages-1024kB/enabled
shift
exec "$@"
END
doctor() {
	in_namespace '. "$0"' "$work/cover" "$work/proc" "$contig" doctor --json >"$work/.out" 2>"$work/.err"
	got=$?
	out=$(cat "$work/.out")
	[ $got -ne 99 ] || skip "the files of /proc cannot be covered here"
	[ $got -le 1 ] && [ ! -s "$work/.err" ] || fail "exit $got: $(cat "$work/.err")"
	json "all(l['mend'] for l in it['lines'] if l['level'] == 'lack')"
}

# buddyinfo COUNT-OF-1M COUNT-OF-2M COUNT-OF-4M
buddyinfo() {
	cat >"$work/proc/buddyinfo" <<-END
		Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 
		Node 0, zone    DMA32   1507   1507   1510   1508   1511   1510   1509   1509   1510      0      0 
		Node 0, zone   Normal  11193  10539  10204  10082  10227  10173  10073  10044  $1  $2  $3 
	END
}

# pagetypeinfo UNMOVABLE MOVABLE
pagetypeinfo() {
	cat >"$work/proc/pagetypeinfo" <<-END
		Page block order: 9
		Pages per block:  512

		Free pages count per migrate type at order       0      1      2      3      4      5
		Node    0, zone   Normal, type    Unmovable    396    650    445    204    115     55

		Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate 
		Node 0, zone      DMA            1            7            0            0            0 
		Node 0, zone   Normal           $1        $2           42            0            0 
	END
}

compaction() {
	printf 'nr_free_pages 1\ncompact_stall 9\ncompact_fail %s\ncompact_success %s\nx 1\n' "$1" "$2" \
		>"$work/proc/vmstat"
}

# Whole memory.
buddyinfo 100 1000 5000
pagetypeinfo 69 10641
compaction 0 0
doctor
json "$(line 'free memory')['level'] == 'ok' and 'hardly fragmented' in $(line 'free memory')['text']"
json "'of 10760 blocks of memory 70 hold what cannot be moved, 42' in $(line 'page blocks')['text']"
json "$(line compaction)['text'].startswith('not needed now; 0 of 0')"

# Pinned pages everywhere: compaction has failed, and pages of 1 MiB are there.
buddyinfo 10025 7 0
compaction 765 1
doctor
json "'memory is fragmented: ' in $(line 'free memory')['text']"
json "'only 7 blocks of 2M in it (0 %), and 11535 of 1M' in $(line 'free memory')['text']"
json "$(line 'free memory')['level'] == 'lack'"
json "$(line 'free memory')['mend'].endswith('hugepages-1024kB/enabled')"
json "$(line compaction)['text'].startswith('cannot help much; 765 of 766')"

# They are switched on: what is left is to be early.
mthp=madvise doctor
json "'contig pool reserve' in $(line 'free memory')['mend'] and '--persist' in $(line 'free memory')['mend']"

# Compaction has helped so far.
compaction 1 200
doctor
json "'--compact' in $(line 'free memory')['mend']"
json "$(line compaction)['text'].startswith('can help; 1 of 201')"
json "$(line compaction)['mend'] == 'echo 1 > /proc/sys/vm/compact_memory'"

# Most of memory is the kernel's own: it cannot.
pagetypeinfo 9000 1000
doctor
json "$(line compaction)['text'].startswith('cannot help')"

# Not there, empty, or rubbish.
for text in '' 'Node 0, zone Normal' 'Number of blocks type' 'Number of blocks type Unmovable' \
	$'Number of blocks type Movable\nNode 0, zone Normal 1' \
	$'Number of blocks type Unmovable Reclaimable\nNode 0, zone Normal 1\nNode 0, zone Normal x 1' \
	$'Number of blocks type Unmovable\nNode 0, zone Normal -1\nNode 0, zone Normal 99999999999999999999' \
	$'compact_fail\ncompact_success x' $'compact_fail 1x\ncompact_success 1'; do
	printf '%s' "$text" | tee "$work/proc/pagetypeinfo" "$work/proc/vmstat" >"$work/proc/buddyinfo"
	doctor
	# Some of it is a line of buddyinfo, though not a likely one.
	json "'tells nothing' in $(line 'free memory')['text'] or ': 0 free' in $(line 'free memory')['text']"
done
buddyinfo 1 1 1
for text in '' $'Number of blocks type Unmovable Reclaimable\nNode 0, zone Normal 1\n'; do
	printf '%s' "$text" >"$work/proc/pagetypeinfo"
	doctor
	json "'tells nothing' in $(line 'page blocks')['text']"
done
head -c 300000 /dev/urandom >"$work/random"
for _ in 1 2 3; do
	shuf -n 200 -e $(seq 200) | tr '\n' ' ' >>"$work/random"
	for file in buddyinfo pagetypeinfo vmstat; do
		{ head -c 500 "$work/proc/$file"; cat "$work/random"; } >"$work/mixed"
		cp "$work/mixed" "$work/proc/$file"
	done
	doctor
done
