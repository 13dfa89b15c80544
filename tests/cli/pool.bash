# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For the tests that change the real pools: takes the lock, notes what there is, puts it back.
. tests/pool.sh

small=/sys/kernel/mm/hugepages/hugepages-2048kB
giant=/sys/kernel/mm/hugepages/hugepages-1048576kB

[ "$(id -u)" -eq 0 ] || skip "only root may change the pools"
[ -w $small/nr_hugepages ] || skip "no pool of 2 MiB pages here"
pool_lock || skip "the pools are in use by somebody else"
pool_before=()
for pool_file in $small/nr_hugepages $giant/nr_hugepages; do
	[ -w $pool_file ] || continue
	pool_before+=("$pool_file $(cat $pool_file)")
	pool_note $pool_file "$(cat $pool_file)"
done

pools_put_back() {
	local one

	for one in "${pool_before[@]}"; do
		echo "${one#* }" >"${one% *}"
	done
	pool_unlock
}
pool_at_exit pools_put_back

# unchanged: the pools are as they were at the start.
unchanged() {
	local one

	for one in "${pool_before[@]}"; do
		[ "$(cat "${one% *}")" -eq "${one#* }" ] ||
			fail "${one% *} was ${one#* }, is $(cat "${one% *}")"
	done
}
