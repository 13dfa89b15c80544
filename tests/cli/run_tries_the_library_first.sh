#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig run: finds its library beside itself, in ../lib and ../lib/TRIPLE; says why it is not
# mapped, and starts nothing then.
. "$(dirname "$0")/common.bash"
own_contig
stub=$work/bin/libcontig.so
never() {
	status 1 "$contig" run -- touch "$work/started"
	[ ! -e "$work/started" ] || fail "the program ran"
}

mkdir "$work/lib" "$work/lib/$(gcc -print-multiarch)"
mv "$stub" "$work/saved.so"
never
says "$err" "libcontig.so is neither beside this program nor in its ../lib"
for place in "lib/$(gcc -print-multiarch)" lib bin; do
	cp "$work/saved.so" "$work/$place/libcontig.so"
	status 0 "$contig" run -- printenv LD_PRELOAD
	[ "$out" = "$work/$place/libcontig.so" ] || fail "$place: found $out"
done
# Through a symbolic link, and by PATH.
ln -s "$contig" "$work/link"
status 0 "$work/link" run -- printenv LD_PRELOAD
[ "$out" = "$stub" ] || fail "a link: found $out"
status 0 env PATH="$work/bin:$PATH" contig run -- printenv LD_PRELOAD
[ "$out" = "$stub" ] || fail "by PATH: found $out"

# Not an ELF file; cut; another class; a dependency that is missing.
echo nonsense >"$stub"
never
says "$err" "$stub is not mapped under LD_PRELOAD: *ERROR: ld.so"
head -c 100 "$work/saved.so" >"$stub"
never
cp "$work/saved.so" "$stub"
printf '\001' | dd of="$stub" bs=1 seek=4 conv=notrunc status=none
never
says "$err" "not mapped"
gcc -shared -fPIC -x c -o "$work/libgone.so" - <<<'int gone;'
gcc -shared -fPIC -Iinclude -o "$stub" tests/cli/stub.c -Wl,--no-as-needed "$work/libgone.so" ||
	fail "no stub"
mv "$work/libgone.so" "$work/was.so"
never
says "$err" "libgone.so"

# The trial is silent: it makes no report and runs no program of the user's.
cat >"$work/loud.c" <<'END'
#include "contig.h"
#include <stdio.h>
#include <stdlib.h>
struct contig_stats contig_stats;
static __attribute__((constructor)) void loud(void)
{
	FILE *log = fopen(getenv("LOUD_LOG"), "a");
	fprintf(log, "%s\n", getenv("CONTIG_DISABLE") ? "disabled" : "enabled");
	fclose(log);
}
END
gcc -shared -fPIC -Iinclude -o "$stub" "$work/loud.c" || fail "no stub"
status 0 env LOUD_LOG="$work/log" "$contig" run --stats -- true
[ "$(cat "$work/log")" = $'disabled\nenabled' ] || fail "loaded as: $(cat "$work/log")"

# LD_AUDIT: glibc is asked for static TLS, beside what it was asked before.
cp "$work/saved.so" "$stub"
gcc -shared -fPIC -x c -o "$work/audit.so" - <<<'unsigned la_version(unsigned v) { return v; }'
status 0 "$contig" run -- env
says_not "$out" GLIBC_TUNABLES
export LD_AUDIT=$work/audit.so
status 0 "$contig" run -- printenv GLIBC_TUNABLES
[ "$out" = "glibc.rtld.optional_static_tls=16384" ] || fail "tunables: $out"
status 0 env GLIBC_TUNABLES=glibc.malloc.check=0:glibc.rtld.optional_static_tls=512 \
	"$contig" run -- printenv GLIBC_TUNABLES
[ "$out" = "glibc.malloc.check=0:glibc.rtld.optional_static_tls=16384" ] || fail "tunables: $out"
status 0 env GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536 \
	"$contig" run -- printenv GLIBC_TUNABLES
[ "$out" = "glibc.rtld.optional_static_tls=65536" ] || fail "tunables: $out"
unset LD_AUDIT

# Paths that LD_PRELOAD cannot hold.
for name in 'with space' 'with:colon' 'with$dollar'; do
	cp -r "$work/bin" "$work/$name"
	status 1 "$work/$name/contig" run -- touch "$work/started"
	says "$err" "LD_PRELOAD can hold no path"
done
[ ! -e "$work/started" ] || fail "the program ran"

# A file system from which nothing may be executed.
[ "$(id -u)" -eq 0 ] || skip "noexec needs root; the rest passed"
unshare -m true 2>/dev/null || skip "noexec needs a mount namespace; the rest passed"
status 1 in_namespace 'mount -t tmpfs -o noexec none "$1/lib" && cp "$1/saved.so" "$1/lib/libcontig.so" &&
	rm "$1/bin/libcontig.so" && exec "$0" run -- touch "$1/started"' "$contig" "$work"
says "$err" "lib/libcontig.so is not mapped under LD_PRELOAD"
[ ! -e "$work/started" ] || fail "the program ran"
