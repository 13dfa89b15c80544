#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig top on a program under the real library: live bytes, rates between two looks, forks, and
# where PFNs are seen, the layout of its largest allocation.
. "$(dirname "$0")/common.bash"

gcc -O1 -fno-builtin -x c -o "$work/worker" - <<'END' || fail "no worker"
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	char *p = malloc(32 << 20);

	memset(p, 1, 32 << 20);
	if (!fork())
		_exit(0);
	wait(NULL);
	for (;;) {
		free(malloc(4 << 20));
		usleep(5000);
	}
}
END
LD_PRELOAD=$BUILD/libcontig.so CONTIG_POLICY="size=1M..: thp, base" "$work/worker" &
pid=$!
cli_pids+=("$pid")
sleep 0.5
status 0 "$contig" top --json --count 2 --interval 0.5
lines 2
last=$(tail -n 1 "$work/.out")
printf '%s\n' "$last" >"$work/.out"
row="[p for p in it['processes'] if p['pid'] == $pid][0]"
json "$row['program'] == 'worker' and $row['forks'] == 1"
json "32 << 20 <= $row['live_bytes'] <= 36 << 20"
json "$row['live_bytes'] == $row['thp_bytes'] + $row['base_bytes']"
json "$row['largest_bytes'] == 32 << 20"
json "20 < $row['requests_per_second'] < 210 and 20 < $row['frees_per_second'] < 210"
json "0 <= $row['huge_percent'] <= 100"
[ "$(id -u)" -eq 0 ] || skip "page frame numbers are root's; the rest passed"
json "$row['extents'] >= 1 and $row['entries'] * $row['page_bytes'] >= 32 << 20"
# Without the privilege there is no figure, and no error.
cp "$contig" "$work/contig"
status 0 setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$work/contig" top --json --once
json "$row['entries'] is None and $row['largest_bytes'] == 32 << 20"
