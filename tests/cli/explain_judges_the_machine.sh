#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig explain: each link that this machine would refuse, why, and the command that mends it.
# The machine is made up, in a mount namespace.
. "$(dirname "$0")/common.bash"

cat >"$work/machine" <<'END'
mm=/sys/kernel/mm
mount -t tmpfs none $mm || exit 1
pool() {	# KIB TOTAL FREE RESERVED
	local dir=$mm/hugepages/hugepages-${1}kB

	mkdir -p "$dir"
	echo "$2" >"$dir/nr_hugepages"
	echo "$3" >"$dir/free_hugepages"
	echo "$4" >"$dir/resv_hugepages"
	echo 0 >"$dir/surplus_hugepages"
	echo 0 >"$dir/nr_overcommit_hugepages"
}
switch() {	# FILE TEXT
	mkdir -p "$(dirname "$mm/transparent_hugepage/$1")"
	echo "$2" >"$mm/transparent_hugepage/$1"
}
pool 1048576 4 4 0
pool 2048 100 50 10
switch enabled "always madvise [never]"
switch defrag "always defer defer+madvise [madvise] never"
switch hpage_pmd_size 2097152
switch hugepages-2048kB/enabled "always [inherit] madvise never"
switch hugepages-64kB/enabled "always inherit [madvise] never"
switch hugepages-32kB/enabled "always [inherit] madvise never"
switch hugepages-16kB/enabled "always inherit madvise [never]"
END

# explain ARGUMENT...: on that machine, as JSON. Links as a dictionary: l.
explain() {
	status 0 in_namespace '. "$0"; exec "$@"' "$work/machine" "$contig" explain --json "$@"
}
links='{l["link"]: l for l in it["links"]}'

in_namespace true || exit

# Plain hugetlb: every size, largest first, unless rounding wastes as much as the request.
explain --size 64M
json '[l["link"] for l in it["links"]][:2] == ["hugetlb-1G", "hugetlb-2M"]'
json "'waste' in ${links}['hugetlb-1G']['why'] and not ${links}['hugetlb-1G']['mend']"
json "${links}['hugetlb-2M']['serves'] and it['served_by'] == 'hugetlb-2M'"
explain --size 513M
json "it['served_by'] == 'hugetlb-1G'"
explain --size 512M
json "'waste' in ${links}['hugetlb-1G']['why']"

# Reserved pages are not free ones: 40 of 50.
explain --size 80M
json "it['served_by'] == 'hugetlb-2M'"
explain --size 81M
json "not ${links}['hugetlb-2M']['serves'] and '41 pages needed, 40 available' in ${links}['hugetlb-2M']['why']"
json "${links}['hugetlb-2M']['mend'] == 'contig pool reserve 2M --page 2M'"

# THP is off, and a multi-size THP has a switch of its own or follows.
json "not ${links}['thp']['serves'] and 'echo madvise >' in ${links}['thp']['mend']"
json "it['served_by'] == 'mthp-64K'"
explain --size 81M --policy 'size=1M..: mthp-32K, mthp-16K, base'
json "not ${links}['mthp-32K']['serves'] and not ${links}['mthp-16K']['serves'] and it['served_by'] == 'base'"

# What is not there at all.
explain --size 3G --policy 'size=1M..: driver, hugetlb-32M, mthp-256K!'
json "all(not l['serves'] for l in it['links']) and it['served_by'] == 'ENOMEM'"
json "'modprobe' in ${links}['driver']['mend']"
explain --size 3M --policy 'size=1M..,node=63: hugetlb-2M, base'
json "'no NUMA node 63' in ${links}['base']['why'] and it['served_by'] == 'heap'"

# A promise that nobody can check is not given: without page frame numbers, one huge page only.
if [ "$(id -u)" -eq 0 ]; then
	cp "$contig" "$work/contig"
	status 0 in_namespace '. "$0"; exec setpriv --reuid=65534 --regid=65534 --clear-groups \
		--bounding-set=-all --inh-caps=-all "$@"' "$work/machine" "$work/contig" explain --json \
		--policy 'size=1M..,contiguity=whole: hugetlb-1G, hugetlb-2M, base' --size 3M
	json "${links}['hugetlb-1G']['serves'] and it['served_by'] == 'hugetlb-1G'"
	json "'hides' in ${links}['hugetlb-2M']['why'] and not ${links}['base']['serves']"
fi
explain --size 3M --policy 'size=1M..,contiguity=page: base'
json "not ${links}['base']['serves']"
