#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig check FILE: every error of a file on one line, with file, line, key and what would have
# been right; status 1. No file makes it crash or wait.
. "$(dirname "$0")/common.bash"

file=$work/contig.conf

# bad TEXT PATTERN...: the file with this text (of printf) has errors that match.
bad() {
	local pattern

	# shellcheck disable=SC2059 # the text is a format
	printf "$1" >"$file"
	shift
	status 1 timeout 10 "$contig" check "$file"
	[ -z "$err" ] || fail "errors belong to standard output: $err"
	[ "$(grep -c "^$file" "$work/.out")" -eq "$(wc -l <"$work/.out")" ] ||
		fail "a line without the file's name: $out"
	[ "$(grep -c "expected" "$work/.out")" -eq "$(wc -l <"$work/.out")" ] ||
		fail "a line that does not say what is right: $out"
	for pattern; do
		says "$out" "$pattern"
	done
	status 1 timeout 10 "$contig" check --json "$file"
	json 'len(it["errors"]) >= 1 and all(e["expected"] for e in it["errors"])'
}

good_rule='[rule a]\nsize = 1M..\nchain = hugetlb, thp\n'
printf "[process]\nthreshold = 2M\nretain = 64M\n$good_rule" >"$file"
status 0 "$contig" check "$file"
says "$out" "$file: no errors, 1 rules"
status 0 "$contig" check --json "$file"
json 'it == {"errors": [], "file": "'"$file"'", "rules": 1}'
: >"$file"
status 0 "$contig" check "$file"

bad '[process]\nthreshold = 64Q\n' "$file:2: *threshold*\"64Q\""
bad '[process]\nthreshold = -1\n' "$file:2: *threshold*\"-1\""
bad '[process]\nthreshold = 1e99\n' "$file:2: *threshold*"
bad '[process]\nretain = 99999999999999999999999G\n' "$file:2: *retain*"
bad '[process]\ndecay = soon\nfork = maybe\nheap = pile\nlog = loud\nchildren = few\n' \
	"$file:2: *decay*" "$file:3: *fork*" "$file:4: *heap*" "$file:5: *log*" "$file:6: *children*"
lines_of_five=$("$contig" check "$file" | wc -l)
[ "$lines_of_five" -eq 5 ] || fail "five errors gave $lines_of_five lines"
bad '[process]\nthreshhold = 1M\n' "$file:2: *threshhold*"
bad '[rule a]\nsize = 1M..\nchain = hugetlb, frobnicate\n' "$file:3: *chain*frobnicate*"
bad '[rule a]\nsize = 2M..1M\nchain = thp\n' "$file:2: *size*"
bad '[rule a]\ncontiguity = half\nchain = thp\n' "$file:2: *contiguity*"
bad '[rule a]\nnode = mars\nchain = thp\n' "$file:2: *node*"
bad '[rule a]\ncall = frobnicate\nchain = thp\n' "$file:2: *call*"
bad '[rule a]\ncolour = red\nchain = thp\n' "$file:2: *colour*"
bad '[rule a]\nsize = 1M..\n' "$file"
bad "$good_rule$good_rule" "$file:4*"
bad '[frobnicate]\nsize = 1M\n' "$file:1*"
bad '[process]\nthreshold\n' "$file:2*"
bad 'threshold = 1M\n' "$file:1*"
bad '[process]\nretain = 1M\n[b\nthreshold = 1M\n' "$file:3*"
bad '[process]\nthre\0shold = 1M\n' "$file:2*"

# A rule of 300 bytes, which the ini reader below would split in two.
{ printf '[rule a]\nexe = '; printf 'abcdefghi,%.0s' {1..30}; printf '\nchain = thp\n'; } >"$file"
status 1 "$contig" check "$file"
says "$out" "$file:2*"

# A million digits: one line, and not a million bytes of it.
{ printf '[process]\nretain = '; head -c 1000000 /dev/zero | tr '\0' 9; echo; } >"$file"
status 1 timeout 10 "$contig" check "$file"
[ "${#out}" -lt 1000 ] || fail "the answer is ${#out} bytes long"
{ printf '[process]\nretain = '; head -c 50000 /dev/zero | tr '\0' 9; echo; } >"$file"
status 1 timeout 10 "$contig" check "$file"
says "$out" "$file:2*"
[ "${#out}" -lt 1000 ] || fail "the answer is ${#out} bytes long"

# More rules than there may be.
for i in {1..40}; do printf '[rule r%d]\nsize = 1M..\nchain = thp\n' "$i"; done >"$file"
status 1 "$contig" check "$file"
says "$out" "at most 32 rules"

# Noise: an answer, whatever it is.
head -c 20000 /dev/urandom >"$file"
timeout 10 "$contig" check "$file" >"$work/noise" 2>&1
[ $? -le 1 ] || fail "noise: status $?"
[ "$(LC_ALL=C tr -d '\n[:print:]' <"$work/noise" | LC_ALL=C tr -d '\200-\377' | wc -c)" -eq 0 ] ||
	fail "noise came out as control characters"
timeout 10 "$contig" check --json "$file" | /usr/bin/python3 -m json.tool >/dev/null ||
	fail "noise makes wrong JSON"

# What is no file of a sensible size: one clear line, at once.
# refuse FILE PATTERN
refuse() {
	status 1 timeout 10 "$contig" check "$1"
	lines 1
	says "$out" "$1: found \"$2\", expected a readable regular file"
}
refuse "$work" "a directory"
refuse /dev/zero "a device, pipe or socket"
refuse /dev/null "a device, pipe or socket"
mkfifo "$work/fifo"
refuse "$work/fifo" "a device, pipe or socket"
truncate -s 100M "$work/large"
refuse "$work/large" "more than 64 KiB"
refuse "$work/absent" "No such file or directory"
ln -s loop "$work/loop"
refuse "$work/loop" "Too many levels*"

# A name of any bytes: still one line, still JSON.
odd=$work/$'a\nb"\\\xff\e\xc3\xa4'
status 1 "$contig" check "$odd"
lines 1
status 1 "$contig" check --json "$odd"
json 'it["file"].endswith("a\nb\"\\\ufffd\x1b\u00e4") and len(it["errors"]) == 1'

printf "$good_rule" >"$file"
chmod 000 "$file"
if [ "$(id -u)" -eq 0 ]; then
	cp "$contig" "$work/contig"
	status 1 setpriv --reuid=65534 --regid=65534 --clear-groups "$work/contig" check "$file"
else
	status 1 "$contig" check "$file"
fi
lines 1
says "$out" "Permission denied"
