#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 60
# The command and the real library together: what explain foretells is what the program gets,
# and stat and the report say so.
. "$(dirname "$0")/common.bash"
[ -f "$BUILD/libcontig.so" ] || fail "$BUILD/libcontig.so is not built"

# A program that holds BYTES until its input ends.
cat >"$work/hold.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	size_t bytes = strtoull(argv[1], NULL, 10);
	char *volatile p = malloc(bytes);

	if (!p) {
		puts("refused");
		return 4;
	}
	memset(p, 1, bytes);
	puts("held");
	fflush(stdout);
	getchar();
	return 5;
}
END
gcc -O1 -o "$work/hold" "$work/hold.c" || fail "no compiler"

# hold BYTES [OPTION...]: $pid holds it, under contig run with these options.
hold() {
	local bytes=$1 line

	shift
	exec {feed}> >(exec "$contig" run "$@" -- "$work/hold" "$bytes" >"$work/said" 2>"$work/report"
		)
	pid=$!
	cli_pids+=("$pid")
	for _ in {1..500}; do
		line=$(cat "$work/said" 2>/dev/null)
		[ "$line" != held ] || return 0
		sleep 0.02
	done
	fail "hold does not start: $(cat "$work/report")"
}

release() {
	exec {feed}>&-
	wait "$pid"
	[ $? -eq 5 ] || fail "the program's status is lost"
}

# served POOL BYTES OPTION...: explain, stat and the report name the same pool.
served() {
	local pool=$1 bytes=$2 option explain=()

	shift 2
	for option; do
		[[ $option == --stats* ]] || explain+=("$option")
	done
	status 0 "$contig" explain --size "$bytes" --exe hold --json "${explain[@]}"
	json "it['served_by'] == '$pool'"
	hold "$bytes" "$@"
	grep -q "$BUILD/libcontig.so" "/proc/$pid/maps" || fail "the library is not mapped"
	status 0 "$contig" stat --json "$pid"
	json "it[0]['program'] == 'hold' and it[0]['serving']"
	json "[p['live_bytes'] >= $bytes for p in it[0]['pools'] if p['name'] == '$pool'] == [True]"
	json "sum(p['live_bytes'] for p in it[0]['pools'] if p['name'] != '$pool') == 0"
	status 0 "$contig" stat
	says "$out" "$pid hold: serving"
	release
}

served base 3000000 --policy 'size=1M..: base' --stats
says "$(cat "$work/report")" "contig: report of hold"
printf '[rule mine]\nexe = hold\nchain = base\n' >"$work/my.conf"
served base 3000000 --conf "$work/my.conf" --stats=json:"$work/%e.json"
/usr/bin/python3 -m json.tool "$work/hold.json" >/dev/null || fail "the JSON report is wrong"
status 0 "$contig" explain --size 3000000 --policy 'size=1M..: thp' --json
if grep -q '"served_by": "thp"' "$work/.out"; then
	served thp 3000000 --policy 'size=1M..: thp'
fi

# A chain that ends in ! refuses, as foretold.
status 0 "$contig" explain --size 3000000 --policy 'size=1M..: driver!' --json
json "it['served_by'] == 'ENOMEM'"
status 4 "$contig" run --policy 'size=1M..: driver!' -- "$work/hold" 3000000

# Turned off: mapped, and left alone.
export CONTIG_DISABLE=1
hold 3000000
status 0 "$contig" stat "$pid"
says "$out" "left alone"
release
unset CONTIG_DISABLE

# LD_AUDIT beside it.
gcc -shared -fPIC -x c -o "$work/audit.so" - <<<'unsigned la_version(unsigned v) { return v; }'
status 0 env LD_AUDIT="$work/audit.so" "$contig" run -- true
[ -z "$err" ] || fail "under LD_AUDIT: $err"

# A pool of huge pages, which is borrowed and given back.
. tests/pool.sh
pool_borrow 64 || skip "no pool of 64 MiB could be borrowed; the rest passed"
served hugetlb-2M 8388608 --policy 'size=1M..: hugetlb-2M!'
served hugetlb-2M 8388608
