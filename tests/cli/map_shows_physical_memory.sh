#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 120
# contig map: a real program's memory as text, strip, JSON and picture; what it says to those who
# may not see it all; processes that are none.
. "$(dirname "$0")/common.bash"

# hold CODE [COMMAND...]: a python that runs CODE and stays, as $pid; COMMAND goes before it.
hold() {
	local code=$1

	shift
	rm -f "$work/said"
	"$@" /usr/bin/python3 -c "import mmap, time
def give(bytes, flags=0):
    m = mmap.mmap(-1, bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags)
    for i in range(0, bytes, 4096): m[i] = 1
    return m
$code
print('held', flush=True)
time.sleep(1000)" >"$work/said" &
	pid=$!
	cli_pids+=("$pid")
	for _ in {1..500}; do
		! grep -q held "$work/said" || return 0
		sleep 0.02
	done
	fail "the program does not start"
}

# The program of the test: what its figures must be, the test reads from the pagemap itself.
hold 'a = give(16 << 20)'
status 0 "$contig" map --json "$pid"
json "it['pid'] == $pid and it['program'] == 'python3' and it['zone_bytes'] == 0"
json "all(m['end'] - m['start'] >= 1 << 20 for m in it['mappings'])"
address=$(/usr/bin/python3 -c '
import json, sys
print("%x" % max(json.load(open(sys.argv[1]))["mappings"],
      key=lambda m: m["present_bytes"])["start"])' "$work/.out")
status 0 "$contig" map "$pid"
says "$out" "$pid python3: [0-9]* large mapping"
says "$out" "$address-[0-9a-f]* "
says "$out" "a small letter: physical memory jumps there"
awk 'length > 100 { exit 1 }' "$work/.out" || fail "too wide: $out"
status 0 "$contig" map --json --all "$pid" "$address"
if [ "$(id -u)" -eq 0 ]; then
	json "not it['hidden'] and sum(p['bytes'] for p in it['pieces']) == it['mappings'][0]['end'] - it['mappings'][0]['start']"
	json "sum(p['state'] == 'known' for p in it['pieces']) >= it['mappings'][0]['extents']"
	/usr/bin/python3 - "$pid" "$work/.out" <<-'END' || fail "the pagemap says otherwise"
		import json, struct, sys
		pagemap = open(f"/proc/{sys.argv[1]}/pagemap", "rb")
		for piece in json.load(open(sys.argv[2]))["pieces"]:
		    pagemap.seek(piece["va"] // 4096 * 8)
		    for i in range(piece["bytes"] // 4096):
		        entry = struct.unpack("Q", pagemap.read(8))[0]
		        assert (entry >> 63 == 1) == (piece["state"] == "known")
		        if piece["state"] == "known":
		            assert entry & (1 << 55) - 1 == piece["pa"] // 4096 + i
	END
	status 0 "$contig" map "$pid" "0x$address"
	says "$out" "VIRTUAL*PHYSICAL*LENGTH"
	says "$out" "more (--all shows them)"
	status 0 "$contig" map --all "$pid" "$address"
	says_not "$out" "more (--all"
fi

# On a terminal: in colour, as wide as it is.
esc=$(printf '\033')
status 0 script -qec "stty cols 60; $contig map $pid" /dev/null
says "$out" "${esc}[[]48;5;"
says_not "$out" "a small letter"
status 0 env NO_COLOR=1 script -qec "stty cols 60; $contig map $pid" /dev/null
says_not "$out" "${esc}[[]48"
says "$out" "a small letter"

# None, a thread of the kernel, one that ends, nothing there, a full disk.
status 1 "$contig" map 4194304
says "$err" "process 4194304: no such process"
if [ "$(cat /proc/2/comm)" = kthreadd ]; then
	status 1 "$contig" map 2
	says "$err" "a kernel thread"
fi
status 1 "$contig" map "$pid" 1000
says "$err" "process $pid: nothing is mapped at 1000"
"$contig" map "$pid" >/dev/full 2>"$work/.err" && fail "a full disk is no failure"
for _ in {1..20}; do
	sleep 1000 &
	ending=$!
	{ sleep 0.00$((RANDOM % 10)) && kill -KILL $ending; } 2>/dev/null &
	"$contig" map $ending >"$work/.out" 2>"$work/.err"
	[ $? -le 1 ] && [ "$(wc -l <"$work/.err")" -le 1 ] || fail "one that ends: $(cat "$work/.err")"
	wait $! $ending 2>/dev/null
done

[ "$(id -u)" -eq 0 ] || skip "the rest needs root; what came before passed"
status 1 "$contig" map --svg /nonexistent/file "$pid"
says "$err" "/nonexistent/file: No such file"

# Those who may not: of another user nothing; of their own what can be known.
cp "$contig" "$work/contig"
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
status 1 "${nobody[@]}" "$work/contig" map "$pid"
says "$err" "process $pid: no permission to read it"
hold 'a = give(16 << 20)' "${nobody[@]}"
status 0 "${nobody[@]}" "$work/contig" map --json "$pid"
json "it['hidden'] and any(m['present_bytes'] >= 16 << 20 and m['extents'] is None for m in it['mappings'])"
says "$err" "hides physical addresses*CAP_SYS_ADMIN"
status 1 "${nobody[@]}" "$work/contig" map --svg "$work/none.svg" "$pid"
says "$err" "nothing to draw, the kernel hides"
[ ! -e "$work/none.svg" ] || fail "a picture of nothing"

# A pool: memory of the library has its name, and one huge page is one rising line.
. tests/pool.sh
pool_borrow 64 || skip "no pool of 64 MiB could be borrowed; the rest passed"
stop() {
	{ kill -KILL "$pid" && wait "$pid"; } 2>/dev/null
}
pool_at_exit stop	# before the pool is taken back
hold 'a = give(2 << 20, 0x40000); b = bytearray(b"1") * (8 << 20)' \
	env LD_PRELOAD="$BUILD/libcontig.so" CONTIG_POLICY='size=1M..: hugetlb-2M!'
status 0 "$contig" map "$pid"
says "$out" "under libcontig"
says "$out" "libcontig, hugetlb-2M"
status 0 "$contig" map --json "$pid"
json "any(m['libcontig'] and m['page_bytes'] == 2 << 20 and m['registration_entries'] for m in it['mappings'])"
address=$(/usr/bin/python3 -c '
import json, sys
print("%x" % [m["start"] for m in json.load(open(sys.argv[1]))["mappings"]
      if m["page_bytes"] == 2 << 20 and not m["libcontig"]][0])' "$work/.out")
status 0 "$contig" map --json "$pid" "$address"
json "it['mappings'][0]['extents'] == 1 and it['mappings'][0]['registration_entries'] == 1"
status 0 "$contig" map --svg "$work/one.svg" "$pid" "$address"
status 0 "$contig" map --svg "$work/all.svg" "$pid"
/usr/bin/python3 - "$work/one.svg" "$work/all.svg" <<-'END' || fail "the picture is wrong"
	import os, sys, xml.etree.ElementTree as tree
	svg = "{http://www.w3.org/2000/svg}"
	lines = list(tree.parse(sys.argv[1]).iter(svg + "line"))
	assert len(lines) == 1, lines
	x1, y1, x2, y2 = (float(lines[0].get(k)) for k in ("x1", "y1", "x2", "y2"))
	assert x2 - x1 > 800 and y1 - y2 > 400, (x1, y1, x2, y2)
	every = tree.parse(sys.argv[2])
	text = " ".join(t.text or "" for t in every.iter(svg + "text"))
	for word in "python3 (pid", "GiB", "physical address", "virtual address", "hugetlb":
	    assert word in text, word
	assert os.path.getsize(sys.argv[2]) < 200 << 10
END
