#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig explain: the rule that decides, where it stands, and what comes of it.
. "$(dirname "$0")/common.bash"

conf=$work/contig.conf
cat >"$conf" <<'END'
[process]
threshold = 2M
leave     = sleep*

[rule big]
exe   = ib_*, ucx_*
size  = 64M..
chain = hugetlb-2M, thp!

[rule shared]
call  = mmap-shared
chain = base

[rule middle]
size       = 1M..4M
contiguity = whole
node       = 0
chain      = base, heap
END
sed -i 's/base, heap/base/' "$conf"
export CONTIG_CONF=$conf

status 0 "$contig" explain --size 64M --exe ib_read_bw
says "$out" "malloc of 64M by ib_read_bw"
says "$out" "big ($conf:5)"
says "$out" "hugetlb-2M, thp!"
status 0 "$contig" explain --size 64M
says "$out" "only for some programs (exe = ib_\*"
status 0 "$contig" explain --size 64M --exe bash
says "$out" "built-in malloc (built in)"
status 0 "$contig" explain --size 3M --exe bash --json
json 'it["rule"]["name"] == "middle" and it["rule"]["line"] == 14'
json 'it["rule"]["file"] == "'"$conf"'" and it["rule"]["contiguity"] == "whole"'
json 'it["rule"]["node"] == "0" and it["chain"] == "base" and not it["strict"]'
status 0 "$contig" explain --size 3M --call mmap-shared --json
json 'it["rule"]["name"] == "shared" and it["served_by"] == "base"'
status 0 "$contig" explain --size 3M --call mmap --json
json 'it["rule"]["name"] == "built-in mmap"'
status 0 "$contig" explain --size 4K --json
json 'it["rule"] is None and it["chain"] == "heap" and it["served_by"] == "heap"'
status 0 "$contig" explain --size 4K --call mmap --json
json 'it["rule"] is None and it["served_by"] == "mmap"'
status 0 "$contig" explain --size 8M --align 4M --json
json 'it["request"] == {"call": "aligned_alloc", "bytes": 8 << 20, "align": 4 << 20, "exe": None}'
status 0 "$contig" explain --size 8M --call valloc --policy 'size=1M..,align=4K: base' --json
json 'it["request"]["align"] == 4096 and it["served_by"] == "base"'

# Left alone: by the file, or by the variable.
status 0 "$contig" explain --size 8M --exe sleepy --json
json 'it["served_by"] == "libc"'
status 0 env CONTIG_DISABLE=1 "$contig" explain --size 8M --json
json 'it["served_by"] == "libc"'
status 0 env CONTIG_DISABLE=0 "$contig" explain --size 8M --json
json 'it["served_by"] != "libc"'

# CONTIG_POLICY comes before the file, --policy instead of it, --conf instead of CONTIG_CONF.
export CONTIG_POLICY='size=512M..: thp; size=3M: base!'
status 0 "$contig" explain --size 3M
says "$out" "rule 2 of CONTIG_POLICY"
says "$out" "base!"
status 0 "$contig" explain --size 3M --policy 'size=3M: thp'
says "$out" "rule 1 of --policy"
unset CONTIG_POLICY
printf '[rule other]\nsize=1M..\nchain = heap\n' >"$work/other.conf"
status 0 "$contig" explain --size 3M --conf "$work/other.conf" --json
json 'it["rule"]["name"] == "other" and it["chain"] == "heap" and it["served_by"] == "heap"'
status 0 env CONTIG_THRESHOLD=16M "$contig" explain --size 8M --json
json 'it["rule"] is None'

# A policy with errors: explained all the same, but said, and status 1.
status 1 "$contig" explain --size 3M --policy 'size=3M: frobnicate; size=3M..: base'
says "$err" "frobnicate"
says "$out" "served by  base"
status 1 "$contig" explain --size 3M --conf "$work/absent"
says "$err" "No such file"
