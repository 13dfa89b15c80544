#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# MAP_CONTIG without the library, and where nothing can be proved.

cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
. tests/pool.sh

program=$BUILD/tests/preload/mmap_contig
lib=$(realpath "$BUILD/libcontig.so")
status=0

"$program" alone || { echo "failed: $program alone"; status=1; }
[ "$(id -u)" -ne 0 ] || pool_lock || exit 1
if [ "$(cat $POOL_DIR/free_hugepages 2>/dev/null || echo 0)" -ne 0 ]; then
	[ $status -eq 0 ] || exit $status
	echo "this machine's pool has free huge pages of its own"
	exit 77
fi
drop=()
[ "$(id -u)" -ne 0 ] || drop=(setpriv --inh-caps=-all --bounding-set=-all --)
LD_PRELOAD=$lib "${drop[@]}" "$program" refused || { echo "failed: $program refused"; status=1; }
exit $status
