#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# policy/ and the libinih in it need no system call, no stdio, no malloc: what they leave
# undefined is memory and string functions, and what the compiler and ctype.h put in.
# Environment: BUILD, the directory of the objects.

objects=("${BUILD:-build}"/obj/policy/*.o "${BUILD:-build}/obj/inih.o")
allowed='^(mem[a-z]+|str[a-z]+|__stack_chk_fail|__ctype_b_loc|_GLOBAL_OFFSET_TABLE_)$'
sources=(policy/*.c)

# Stale or missing objects would prove nothing.
for source in "${sources[@]}"; do
	object=${BUILD:-build}/obj/${source%.c}.o
	[ -f "$object" ] || { echo "no object of $source: $object"; exit 1; }
done
together=$(mktemp --suffix=.o) || exit 1
trap 'rm -f "$together"' EXIT
# -r: names that one object gives to another are no longer undefined.
ld -r -o "$together" "${objects[@]}" || exit 1
undefined=$(nm -u "$together" | awk '{ print $NF }' | sort -u)
[ -n "$undefined" ] || { echo "nm shows nothing at all"; exit 1; }
echo "needs:" $undefined
wrong=$(grep -Ev "$allowed" <<<"$undefined")
# These are string functions by name only: they allocate.
wrong+=$(grep -E '^(strdup|strndup|strsignal|strerror|strto.*|strf.*|memfd.*)$' <<<"$undefined")
[ -z "$wrong" ] || { echo "not pure:" $wrong; exit 1; }

# One word of writable data is one that two threads could share. (.data.rel.ro is constant.)
writable=$(size -A "${BUILD:-build}"/obj/policy/*.o | awk '
	/^[^ ]+\.o/ { object = $1 }
	$1 ~ /^\.(t?data|t?bss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 { print object $1 }')
[ -z "$writable" ] || { echo "writable data:" $writable; exit 1; }
