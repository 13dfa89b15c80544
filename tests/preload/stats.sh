#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The report at exit: text, JSON, into a file named by pid and program; never into a file that
# took the place of standard error.
. "$(dirname "$0")/helpers/common.bash"
build_helper probe
probe=$tmp/probe

# json FILE EXPRESSION: FILE is valid JSON, and EXPRESSION over r is true.
json() {
	python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
pools = {pool["name"]: pool for pool in r["pools"]}
sys.exit(0 if eval(sys.argv[2]) else "%s is not true of %s" % (sys.argv[2], r))' "$1" "$2"
}

policy='size=1M..: thp'

under CONTIG_STATS=text CONTIG_POLICY="$policy" "$probe" alloc 4096 8192
check "text names the program" grep -q '^contig: report of probe (pid [0-9]*)$' "$tmp/err"
check "text names the pool" grep -q '^  thp: 2 allocations' "$tmp/err"
check "standard output is the program's" printed "thp thp"

under CONTIG_STATS=json CONTIG_POLICY="$policy" "$probe" alloc 4096 8192
check "JSON" json "$tmp/err" \
	'r["program"] == "probe" and r["serving"] and pools["thp"]["allocations"] == 2'
check "JSON: live and peak" json "$tmp/err" \
	'pools["thp"]["live_bytes"] == pools["thp"]["peak_bytes"] == 12 << 20'

under CONTIG_STATS="json:$tmp/report-%e-%p.json" CONTIG_POLICY="$policy" "$probe" alloc 4096
check "nothing on standard error" said_nothing
file=$(echo "$tmp"/report-probe-*.json)
check "one file with pid and program" test -f "$file"
pid=${file##*-}
check "its pid" json "$file" "r[\"pid\"] == ${pid%.json} and r[\"program\"] == \"probe\""

under CONTIG_STATS="text:$tmp/report.txt" CONTIG_DISABLE=1 "$probe" served
check "left alone: no report" test ! -s "$tmp/report.txt"
under CONTIG_STATS="text:$tmp/report.txt" CONTIG_LEAVE=probe "$probe" served
check "left alone by a list: why" grep -q '^  left alone: serve or leave says so$' "$tmp/report.txt"

# A child has figures of its own.
under CONTIG_STATS="json:$tmp/child-%e-%p.json" bash -c '"$1" alloc 4096; exit 0' bash "$probe"
check "child and parent report" test "$(find "$tmp" -name 'child-*' | wc -l)" -ge 2

under CONTIG_STATS=text "$probe" descriptor "$tmp/taken"
check "a wrong free is counted" printed 1
check "a file on descriptor 2 stays empty" test -f "$tmp/taken" -a ! -s "$tmp/taken"
check "and nothing went elsewhere" said_nothing

under CONTIG_STATS="text:/nonexistent/report" "$probe" served
check "a report that cannot be written: the program's status" printed yes
check "and one line" said_once /nonexistent/report
finish
