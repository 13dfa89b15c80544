#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig doctor: says what there is and what is not, with the command that mends it; status 1
# only for what a program under the default policy feels; hidden files are answers.
. "$(dirname "$0")/common.bash"
own_contig

# line SUBJECT: of the JSON, as a python expression.
line() {
	echo "[l for l in it['lines'] if l['subject'] == '$1'][0]"
}

"$contig" doctor >"$work/out" 2>"$work/err"
[ $? -le 1 ] || fail "doctor: $(cat "$work/err")"
[ ! -s "$work/err" ] || fail "doctor wrote to standard error: $(cat "$work/err")"
for subject in kernel library 'by default' cgroup 'free memory' overcommit mappings userfaultfd \
	'page frames' driver iommu container 'limit of addresses' 'limit of locking'; do
	grep -q "$subject" "$work/out" || fail "nothing about: $subject"
done
grep -q "Linux $(uname -r)" "$work/out" || fail "another kernel"

in_namespace true || exit
cat >"$work/machine" <<'END'
mm=/sys/kernel/mm
mount -t tmpfs none $mm || exit 1
mkdir -p $mm/hugepages/hugepages-2048kB $mm/transparent_hugepage/hugepages-64kB
for file in nr_hugepages free_hugepages resv_hugepages surplus_hugepages nr_overcommit_hugepages; do
	echo "${pages:-0}" >$mm/hugepages/hugepages-2048kB/$file
done
echo 0 >$mm/hugepages/hugepages-2048kB/resv_hugepages
echo "always madvise never" | sed "s/${thp:=madvise}/[&]/" >$mm/transparent_hugepage/enabled
echo "always defer defer+madvise [madvise] never" >$mm/transparent_hugepage/defrag
echo 2097152 >$mm/transparent_hugepage/hpage_pmd_size
echo "always inherit madvise never" | sed "s/${mthp:=never}/[&]/" \
	>$mm/transparent_hugepage/hugepages-64kB/enabled
END
machine() {
	in_namespace '. "$0"; exec "$@"' "$work/machine" "$@"
}

status 0 machine env "$contig" doctor --json
json "it['needed'] == 0 and all(l['level'] in ('ok', 'note', 'lack') for l in it['lines'])"
json "all(l['mend'] for l in it['lines'] if l['level'] == 'lack')"
json "$(line 'pool 2M')['level'] == 'lack' and 'contig pool reserve' in $(line 'pool 2M')['mend']"
json "$(line 'multi-size THP')['level'] == 'lack' and 'hugepages-64kB/enabled' in $(line 'multi-size THP')['mend']"
json "$(line library)['level'] == 'ok'"
export pages=9 thp=never mthp=madvise
status 0 machine "$contig" doctor --json
json "$(line 'pool 2M')['text'].startswith('9 in all, 9 free') and $(line 'pool 2M')['level'] == 'ok'"
json "$(line THP)['level'] == 'lack' and 'echo madvise' in $(line THP)['mend']"
json "$(line 'multi-size THP')['text'] == 'switched on: 64K'"

# No huge page of any kind: that is felt.
export pages=0 mthp=inherit
status 1 machine "$contig" doctor --json
json "it['needed'] == 1 and $(line 'by default')['needed'] and $(line 'by default')['mend']"
status 1 machine "$contig" doctor
says "$out" "LACK  by default"
unset pages thp mthp

# No library, or one that cannot be loaded.
mv "$work/bin/libcontig.so" "$work/saved.so"
status 1 machine "$contig" doctor --json
json "$(line library)['needed']"
echo nonsense >"$work/bin/libcontig.so"
status 1 machine "$contig" doctor --json
json "'cannot be preloaded' in $(line library)['text']"
mv "$work/saved.so" "$work/bin/libcontig.so"

# No room for addresses.
status 1 machine bash -c 'ulimit -v 1000000; exec "$0" doctor --json' "$contig"
json "$(line 'limit of addresses')['needed']"

# A hugetlb control group, of either version.
cat >"$work/cgroup" <<'END'
mount -t tmpfs none /sys/fs/cgroup || exit 1
mkdir -p /sys/fs/cgroup/one/two
echo max >/sys/fs/cgroup/one/two/hugetlb.2MB.max
echo 1048576 >/sys/fs/cgroup/one/hugetlb.2MB.max
echo 8388608 >/sys/fs/cgroup/one/two/hugetlb.2MB.rsvd.max
echo "none /sys/fs/cgroup cgroup2 rw 0 0" >/sys/fs/cgroup/mounts
echo "0::/one/two" >/sys/fs/cgroup/group
mount --bind /sys/fs/cgroup/group "/proc/$$/cgroup" 2>/dev/null &&
	mount --bind /sys/fs/cgroup/mounts "/proc/$$/mounts" 2>/dev/null || exit 99
END
in_namespace '. "$0"; . "$1"; exec "$2" doctor --json' "$work/machine" "$work/cgroup" "$contig" \
	>"$work/.out" 2>"$work/.err"
case $? in
0) json "$(line cgroup)['level'] == 'lack' and 'at most 1M' in $(line cgroup)['text']"
	json "$(line cgroup)['mend'] == 'echo max > /sys/fs/cgroup/one/hugetlb.2MB.max'" ;;
99) left="the control group's files cannot be covered here" ;;
*) fail "in a control group: $(cat "$work/.out" "$work/.err")" ;;
esac

# Nothing to see: /sys, then /proc, then both are empty.
for hide in /sys /proc "/sys /proc"; do
	# shellcheck disable=SC2016
	in_namespace 'for dir in $1; do mount -t tmpfs none $dir || exit 9; done; exec "$0" doctor --json' \
		"$contig" "$hide" >"$work/.out" 2>"$work/.err"
	[ $? -le 1 ] || fail "without $hide: $(cat "$work/.err")"
	json "len(it['lines']) > 10"
	json "all(l['mend'] for l in it['lines'] if l['level'] == 'lack')"
done
[ -z "${left:-}" ] || skip "$left; the rest passed"
