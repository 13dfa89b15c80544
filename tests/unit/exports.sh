#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The library exports exactly what tests/exports.txt lists, and needs libc (and libm) only.

cd "$(dirname "$0")/../.." || exit 1
lib=${BUILD:-build}/libcontig.so
[ -f "$lib" ] || { echo "$lib has not been built"; exit 1; }

exports=$(nm -D --defined-only "$lib" | awk '{ sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u)
wanted=$(sed 's/#.*//' tests/exports.txt | grep -oE '[^[:space:]]+' | LC_ALL=C sort -u)
status=0
if [ "$exports" != "$wanted" ]; then
	echo "exported (<) against tests/exports.txt (>):"
	diff <(echo "$exports") <(echo "$wanted")
	status=1
fi

needed=$(readelf -d "$lib" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
	grep -vxE 'libc\.so\.6|libm\.so\.6')
if [ -n "$needed" ]; then
	echo "needs more than libc and libm:" "$needed"
	status=1
fi
exit $status
