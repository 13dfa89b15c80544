#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 300
# Large memory from a pool in no order lies in order, in one mapping, at an address congruent with
# the physical one; a promise is right again after copy-on-write; another process that takes and
# gives back pages at the same moment costs order only.

cd "$(dirname "$0")/../.." || exit 1
. tests/pool.sh
lib=$(realpath -m "${BUILD:-build}")/libcontig.so
here=tests/preload/helpers
status=0
skipped=
thief=
holder=

# stop VARIABLE: end the process whose id is in it.
stop() {
	[ -n "${!1}" ] || return 0
	kill -KILL "${!1}"
	wait "${!1}" 2>/dev/null
	printf -v "$1" ''
}

stop_all() {
	stop thief
	stop holder
}

# hold MIB: the pool has that much free, in long runs as far as there are any, in no order.
hold() {
	local word pages runs

	stop holder
	: >"$tmp/held"
	"$tmp/scramble" "$1" >"$tmp/held" &
	holder=$!
	until read -r word pages runs <"$tmp/held"; do
		kill -0 $holder || exit 1
		sleep 0.1
	done
	echo "$word: $pages pages, $runs runs"
}

[ "$(id -u)" -eq 0 ] || { echo "physical addresses and the pool are root's"; exit 77; }
# Hidden frame numbers are zeros.
python3 - <<'END_OF_LOOK' || { echo "the kernel hides physical addresses here"; exit 77; }
import ctypes
page = ctypes.create_string_buffer(1)
with open("/proc/self/pagemap", "rb") as pagemap:
    pagemap.seek(ctypes.addressof(page) // 4096 * 8)
    entry = int.from_bytes(pagemap.read(8), "little")
raise SystemExit(entry & (1 << 55) - 1 == 0)
END_OF_LOOK
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
for program in scramble placed; do
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O2 -fno-builtin -Wall -Wextra -Werror -Iinclude \
		-Itests -Itests/preload -o "$tmp/$program" $here/$program.c -ldl || exit 1
done

# part VARIABLE=VALUE... -- ARGUMENT...: that part of the program.
part() {
	local settings=()

	while [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	shift
	env LD_PRELOAD="$lib" "${settings[@]}" "$tmp/placed" "$@"
	case $? in
	0) ;;
	77) skipped=1 ;;
	*) echo "failed: $*"; status=1 ;;
	esac
}

pool_borrow 2048 || { echo "a pool of 2 GiB could not be had"; exit 77; }
pool_at_exit stop_all
hold 256
part CONTIG_POLICY="size=1M..: hugetlb-2M!" -- order 256
hold 512
part CONTIG_POLICY="size=1M..: hugetlb-2M!" -- order 512
hold 512
part CONTIG_FORK=kernel CONTIG_RETAIN=1G \
	CONTIG_POLICY="size=1M..80M,contiguity=whole: hugetlb-2M!; size=80M..: hugetlb-2M!" -- fork
hold 512
"$tmp/scramble" churn &
thief=$!
part CONTIG_RETAIN=0 CONTIG_POLICY="size=1M..80M,contiguity=whole: hugetlb-2M, thp;
	size=80M..: hugetlb-2M, thp" -- thief
stop_all
[ $status -eq 0 ] && [ -n "$skipped" ] || exit $status
echo "the pool's own memory is scattered: no order would be worth much"
exit 77
