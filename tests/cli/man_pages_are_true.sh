#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The man pages are clean, and agree with keys.def, contig_stats.def and the command.
. "$(dirname "$0")/common.bash"
conf=doc/contig.conf.5
lib=doc/libcontig.7
cmd=doc/contig.1

command -v groff >/dev/null || skip "groff is not installed"
for page in $conf $lib $cmd; do
	groff -ww -man -Tutf8 -Kutf8 -z "$page" >"$work/groff" 2>&1
	[ ! -s "$work/groff" ] || fail "$page: $(cat "$work/groff")"
	grep -q "^\.TH .* \"$("$contig" --version)\"" "$page" || fail "$page is of another version"
	# shellcheck disable=SC2013 # one word a line
	for other in $(sed -n '/SEE ALSO/,$s/^\.BR \(contig[.a-z]*\|libcontig\) (\([157]\)).*/\1.\2/p' $page); do
		[ -f "doc/$other" ] || fail "$page refers to $other"
	done
done

# Both ways: every key has its paragraph, every such paragraph is of a key.
keys=$(sed -n 's/^\(SETTING\|RULE_KEY\)(\([a-z_]*\),.*/\2/p' policy/keys.def | sort)
[ "$(wc -l <<<"$keys")" -gt 15 ] || fail "keys.def is not understood"
described=$(sed -n 's/^\.BR \([a-z_]*\) " =.*/\1/p' $conf | sort)
[ "$keys" = "$described" ] || fail "keys.def and $conf differ: $(diff <(echo "$keys") <(echo "$described"))"
for setting in $(sed -n 's/^SETTING(\([a-z]*\),.*/\1/p' policy/keys.def); do
	grep -q "CONTIG_${setting^^}" $lib || fail "$lib does not name CONTIG_${setting^^}"
	kind=$(sed -n "s/^SETTING($setting, \([A-Z]*\).*/\1/p" policy/keys.def)
	case $kind in
	SIZE | TIME)
		preset=$(sed -n "s/^$setting = //p" contig.conf.example)
		grep -q "^\.BR $setting \" = $preset\"" $conf || fail "$conf: $setting is $preset" ;;
	esac
done

# Every figure and reason.
figures=$(sed -n 's/^CONTIG_[A-Z_]*(\([A-Za-z_]*\),.*/\1/p' include/contig_stats.def)
[ "$(wc -w <<<"$figures")" -gt 25 ] || fail "contig_stats.def is not understood"
for name in $figures; do
	grep -Eq "^\.B (.*\\\\fP)?$name(\\\\|$)" $lib || fail "$lib does not explain $name"
done

# Every option, and every call.
for name in run check explain doctor stat top map pool; do
	for option in $("$contig" "$name" --help | grep -o -- '--[a-z][a-z]*' | sort -u); do
		grep -qF -- "${option//-/\\-}" $cmd || fail "$cmd does not name $option of $name"
	done
done
status 2 "$contig" explain --size 1M --call frobnicate
for call in ${err##*expected one of}; do
	grep -Eq "^\.BR? $call( |$)" $cmd || fail "$cmd does not name the call $call"
	grep -Eq "^\.BR? $call( |$)" $conf || fail "$conf does not name the call $call"
done

# The examples are right.
sed -n '/^\.SH EXAMPLES/,/^\.EE/p' $conf | grep -v '^\.' >"$work/example.conf"
[ "$(grep -c '^\[rule' "$work/example.conf")" -eq 2 ] || fail "no example in $conf"
status 0 "$contig" check "$work/example.conf"
rules=$(sed -n 's/^CONTIG_POLICY="\(.*\)"/\1/p' $conf)
[ -n "$rules" ] || fail "no CONTIG_POLICY in $conf"
: >"$work/empty"
status 0 "$contig" check --policy "$rules" "$work/empty"
