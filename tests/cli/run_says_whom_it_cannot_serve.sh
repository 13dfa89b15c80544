#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig run: a program that a preload does not reach runs all the same, and the reason is said.
. "$(dirname "$0")/common.bash"
own_contig
lib=$work/bin/libcontig.so
cat >"$work/main.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
int main(void) { const char *p = getenv("LD_PRELOAD"); printf("ran %s\n", p ? p : "-"); return 3; }
END
# compile FILE FLAG...
compile() {
	gcc -o "$@" "$work/main.c" 2>"$work/cc.err"
}
compile "$work/plain" || fail "no compiler"
status 3 "$contig" run -- "$work/plain"
[ -z "$err" ] || fail "an ordinary program: $err"
says "$out" "ran $lib"

# Static, also position independent; the dynamic loader itself is neither.
for flag in -static -static-pie; do
	compile "$work/static" $flag || fail "cannot link with $flag: $(cat "$work/cc.err")"
	status 3 "$contig" run -- "$work/static"
	says "$err" "$work/static: libcontig cannot serve it: it is linked statically"
	says "$out" "ran"
done
loader=$(realpath "$(readelf -l "$work/plain" | sed -n 's/.*interpreter: \(.*\)]/\1/p')")
status 3 "$contig" run -- "$loader" "$work/plain"
[ -z "$err" ] || fail "the loader: $err"
says "$out" "ran $lib"

# A script of a static interpreter.
cp "$work/static" "$work/interpreter"
printf '#! %s\n' "$work/interpreter" >"$work/script"
chmod 755 "$work/script"
status 3 "$contig" run -- "$work/script"
says "$err" "$work/script is run by $work/interpreter: libcontig cannot serve it: it is linked statically"

# Another libc. That loader does not exist here: the kernel says so, with the reason before it.
compile "$work/musl" -Wl,--dynamic-linker=/nowhere/ld-musl-x86_64.so.1 || fail "musl"
status 127 "$contig" run -- "$work/musl"
says "$err" "its loader /nowhere/ld-musl-x86_64.so.1 is musl's, not glibc's"
# One that runs: LD_PRELOAD would stop a program of musl, so it is not there.
cp "$loader" "$work/ld-musl-x86_64.so.1"
compile "$work/musl" "-Wl,--dynamic-linker=$work/ld-musl-x86_64.so.1"
status 3 "$contig" run -- "$work/musl"
says "$err" "musl's"
[ "$out" = "ran -" ] || fail "musl: $out"

# Another machine: the same file with another word in its header.
# patch FILE OFFSET BYTE
patch() {
	cp "$work/plain" "$1"
	printf "\\$(printf %03o "$3")" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
patch "$work/foreign" 18 183
"$contig" run -- "$work/foreign" >/dev/null 2>"$work/err"
says "$(cat "$work/err")" "it is a 64-bit aarch64 program"
# 32 bits: an image by hand (exit(3)), for the compiler may have no library for it.
/usr/bin/python3 - "$work/narrow" <<'END'
import struct, sys
code = bytes.fromhex("b801000000bb03000000cd80")
base, head = 0x08048000, 52 + 32
ehdr = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack(
    "<HHIIIIIHHHHHH", 2, 3, 1, base + head, 52, 0, 0, 52, 32, 1, 0, 0, 0)
phdr = struct.pack("<IIIIIIII", 1, 0, base, base, head + len(code), head + len(code), 5, 4096)
open(sys.argv[1], "wb").write(ehdr + phdr + code)
END
chmod 755 "$work/narrow"
"$work/narrow"
alone=$?
"$contig" run -- "$work/narrow" 2>"$work/err"
[ $? -eq $alone ] || fail "32 bits: another status than $alone"
says "$(cat "$work/err")" "it is a 32-bit i386 program"

# Files that lie about themselves do not harm.
head -c 40 "$work/plain" >"$work/cut"
patch "$work/wild" 38 127	# program headers far behind the end
chmod 755 "$work/cut"
for file in cut wild; do
	timeout 10 "$contig" run -- "$work/$file" >/dev/null 2>&1
	got=$?
	[ $got -lt 128 ] && [ $got -ne 124 ] || fail "$file: crash or hang"
done

# Privileges that the file gives. Root's own setuid files give root nothing.
[ "$(id -u)" -eq 0 ] || skip "the rest needs root"
compile "$work/secure"
chmod 4755 "$work/secure"
status 3 "$contig" run -- "$work/secure"
[ -z "$err" ] || fail "root's own setuid file: $err"
unshare -m true 2>/dev/null || skip "the rest needs a mount namespace"
# struct vfs_cap_data, version 2, effective: what setcap cap_net_raw+ep writes.
cap_net_raw='import os, struct
os.setxattr("/mnt/secure", "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))'
in_namespace 'mount -t tmpfs none /mnt && cp "$0" /mnt/secure && chown 65534 /mnt/secure &&
	chmod 4755 /mnt/secure && "$1" run -- /mnt/secure; [ $? -eq 3 ] || exit
	chown 0:65534 /mnt/secure && chmod 2755 /mnt/secure && "$1" run -- /mnt/secure
	[ $? -eq 3 ] || exit
	chown 0:0 /mnt/secure && chmod 755 /mnt/secure && /usr/bin/python3 -c "$2" &&
	setpriv --reuid=65534 --regid=65534 --clear-groups "$1" run -- /mnt/secure' \
	"$work/secure" "$contig" "$cap_net_raw" >"$work/out" 2>"$work/err"
[ $? -eq 3 ] || fail "setuid: $(cat "$work/err")"
says "$(cat "$work/err")" "it is setuid, and the dynamic loader*it is setgid*it has file capabilities"
says_not "$(cat "$work/out")" "libcontig"
