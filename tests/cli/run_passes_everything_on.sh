#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig run: the library first in LD_PRELOAD, the policy in the environment, and the program's
# own exit status.
. "$(dirname "$0")/common.bash"
own_contig
lib=$work/bin/libcontig.so

status 0 "$contig" run -- env
says "$out" "LD_PRELOAD=$lib"
says_not "$out" "CONTIG_"
status 0 "$contig" run env
says "$out" "LD_PRELOAD=$lib"
status 0 "$contig" run -- cat /proc/self/maps
says "$out" "$lib"

# What is in LD_PRELOAD stays, behind us; we are not in it twice.
gcc -shared -fPIC -x c -o "$work/other.so" - <<<'int other_preload;' || fail "no compiler"
status 0 env LD_PRELOAD="$work/other.so" "$contig" run -- sh -c 'echo $LD_PRELOAD; cat /proc/$$/maps'
says "$out" "$lib:$work/other.so"
says "$out" "r-xp*$work/other.so"
status 0 env LD_PRELOAD="$lib $work/other.so" "$contig" run -- sh -c 'echo $LD_PRELOAD'
[ "$out" = "$lib $work/other.so" ] || fail "LD_PRELOAD became $out"

# Options.
printf '[process]\nretain = 1M\n' >"$work/my.conf"
cd "$work" || exit 1
status 0 "$contig" run --policy 'size=1M..: thp' --conf my.conf --stats=json:out/%p.json -- env
says "$out" "CONTIG_POLICY=size=1M..: thp"
says "$out" "CONTIG_CONF=$work/my.conf"
says "$out" "CONTIG_STATS=json:$work/out/%p.json"
status 0 "$contig" run --stats -- env
says "$out" "CONTIG_STATS=text"
status 0 "$contig" run --stats=text:/var/tmp/x -- env
says "$out" "CONTIG_STATS=text:/var/tmp/x"
status 0 env CONTIG_POLICY='size=9M..: thp' "$contig" run --policy 'size=1M..: thp' env
says "$out" "CONTIG_POLICY=size=1M..: thp"
says_not "$out" "size=9M"

# Wrong ones start nothing.
never="touch $work/started"
# shellcheck disable=SC2086 # words are meant
{
	status 2 "$contig" run --policy 'size=1M..: frobnicate' -- $never
	says "$err" "frobnicate"
	status 2 "$contig" run --conf absent.conf -- $never
	says "$err" "absent.conf"
	status 2 "$contig" run --conf "$work" -- $never
	says "$err" "a directory"
	status 2 "$contig" run --stats=xml -- $never
	status 2 "$contig" run --stats=json: -- $never
	status 2 "$contig" run --stats=jsonx -- $never
	status 2 "$contig" run --stats="json:$(head -c 300 /dev/zero | tr '\0' x)" -- $never
	says "$err" "too long"
	status 2 "$contig" run --frobnicate -- $never
	status 2 "$contig" run --policy
}
[ ! -e "$work/started" ] || fail "a program ran in spite of a wrong option"

# Options end at the program's name.
status 0 "$contig" run echo --policy --json -- x
[ "$out" = "--policy --json -- x" ] || fail "the program's arguments became $out"

# Statuses, as a shell has them.
status 7 "$contig" run -- sh -c 'exit 7'
status 1 "$contig" run -- false
"$contig" run -- sh -c 'kill -TERM $$' 2>/dev/null
[ $? -eq 143 ] || fail "a signal is not passed on"
status 127 "$contig" run -- no-such-program-anywhere
says "$err" "no-such-program-anywhere: No such file"
status 127 "$contig" run -- ./no-such-program
status 127 "$contig" run -- ''
echo text >"$work/text"
status 126 "$contig" run -- ./text
says "$err" "Permission denied"
status 126 "$contig" run -- "$work"
mkdir "$work/path"
cp text path/hidden
status 126 env PATH="$work/path" "$contig" run -- hidden
cp /bin/true "$work/path/here"
status 0 env PATH="/nowhere:$work/path" "$contig" run -- here
cd path || exit 1
status 0 env PATH=/nowhere: "$contig" run -- here
cd "$work" || exit 1

# Scripts: with an interpreter, through env, and without any.
printf '#!/bin/sh\necho $LD_PRELOAD "$@"\n' >script
printf '#!/usr/bin/env sh\necho $LD_PRELOAD "$@"\n' >envscript
printf 'echo $LD_PRELOAD "$@"\n' >bare
chmod 755 script envscript bare
for script in script envscript bare; do
	status 0 "$contig" run -- "./$script" 'a b'
	[ "$out" = "$lib a b" ] || fail "$script said $out"
	[ -z "$err" ] || fail "$script: $err"
done

# Turned off is said.
status 0 env CONTIG_DISABLE=1 "$contig" run -- true
says "$err" "CONTIG_DISABLE is set"
status 0 env CONTIG_DISABLE=0 "$contig" run -- true
[ -z "$err" ] || fail "$err"
