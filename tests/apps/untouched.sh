#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs that LD_PRELOAD does not reach run as ever: a static one, and a setuid one, which
# ld.so keeps clear of foreign libraries and which must get no report written by us.

. "$(dirname "$0")/lib.sh"
need gcc setpriv

cat >"$work/program.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

int main(void)
{
	char line[4096];
	char *big = malloc(8 << 20);
	FILE *maps = fopen("/proc/self/maps", "r");
	int ours = 0;

	memset(big, 1, 8 << 20);
	while (maps && fgets(line, sizeof(line), maps))
		ours |= strstr(line, "libcontig") != NULL;
	printf("%s secure=%lu sum=%d\n", ours ? "with us" : "untouched", getauxval(AT_SECURE),
	       big[0] + big[8 << 19]);
	return !maps;
}
END
gcc -O1 -fno-builtin -static -o "$work/static" "$work/program.c" || exit 1
gcc -O1 -fno-builtin -o "$work/dynamic" "$work/program.c" || exit 1

# Everything that follows is wrong if the program cannot tell.
app() {
	under "$work/dynamic" >out
	grep -q '^with us' out || fail "the test cannot see the library"
	served dynamic "$(pool_of_backing)"
	under "$work/static" >out 2>err
	grep -qx 'untouched secure=0 sum=2' out || fail "static program: $(cat out err)"
	[ ! -s err ] || fail "static program: $(cat err)"
	[ -z "$(find "$stats" -name 'static.*')" ] || fail "a static program wrote a report"
	[ -x "$work/setuid" ] || return 0
	under setpriv --reuid 65534 --regid 65534 --clear-groups -- "$work/setuid" >out 2>err
	grep -qx 'untouched secure=1 sum=2' out || fail "setuid program: $(cat out err)"
	[ -z "$(find "$stats" -name 'setuid.*')" ] || fail "a setuid program wrote a report"
}

if [ "$(id -u)" -eq 0 ] && ! findmnt -n -o OPTIONS -T "$work" | grep -qw nosuid; then
	install -m 4755 "$work/dynamic" "$work/setuid"
fi
apps_main
[ -x "$work/setuid" ] || skip "no setuid program without root (or on a nosuid mount)"
