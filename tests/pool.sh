# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Functions that borrow machine-wide settings (the pool of 2 MiB huge pages, the THP switches)
# and give them back. To be sourced by bash.
#
#   pool_borrow MIB   adds MIB of 2 MiB pages to the pool, warm; 1 and a reason if it cannot
#   pool_borrow MIB CONTIG   the same by `CONTIG pool reserve --contiguous`: gigabytes side by side;
#                     1 also if the pool held something before
#   pool_lock         keeps everybody else from borrowing, also without borrowing anything
#   pool_unlock       lets go of the lock, unless something is borrowed still
#   pool_take_away    shrinks the pool to what it was before pool_borrow, keeps the lock
#   pool_return       puts the pool and the overcommit limit back, lets go of the lock
#   thp_set MODE [FILE=VALUE...]   FILE below /sys/kernel/mm/transparent_hugepage
#   thp_return
#
# pool_borrow and thp_set put their return on the EXIT trap, before what is there already, and
# turn HUP, INT and TERM into an exit. One lock serves everybody on the machine, so two
# borrowers wait for each other; what a process below a borrower borrows is nested and waits
# for nobody. The old values are in the lock's file while it is held: if a borrower was killed
# by SIGKILL, the next one puts them back.

POOL_DIR=/sys/kernel/mm/hugepages/hugepages-2048kB
POOL_GIANT_DIR=/sys/kernel/mm/hugepages/hugepages-1048576kB
POOL_THP_DIR=/sys/kernel/mm/transparent_hugepage
pool_fd=
pool_journal=
pool_kept=
pool_old_pages=
pool_old_overcommit=
thp_old=()

pool_say() {
	echo "pool: $*" >&2
}

pool_lock_file() {
	local dir=/run/lock

	[ -d $dir ] && [ -w $dir ] || dir=${TMPDIR:-/tmp}
	echo "$dir/contig-pool.lock"
}

# Puts back whatever the journal says and is not so yet: what a borrower that was killed left.
# For the holder of the lock, while it has borrowed nothing itself.
pool_recover() {
	local file value now

	while read -r file value; do
		now=$(sed 's/.*\[\(.*\)\].*/\1/' "$file")
		[ "$now" != "$value" ] || continue
		pool_say "putting back $file: $now to $value"
		echo "$value" >"$file"
	done < <(tac "$pool_journal" | grep '^/sys/kernel/mm/')
	: >"$pool_journal"
}

pool_lock() {
	pool_open_lock && pool_kept=1
}

pool_unlock() {
	pool_kept=
	pool_close_lock
}

pool_open_lock() {
	[ -z "$pool_fd" ] || return 0
	pool_journal=$(pool_lock_file)
	[ -z "${POOL_LOCKED:-}" ] || return 0
	if ! exec {pool_fd}>>"$pool_journal"; then
		pool_fd=
		return 1
	fi
	if ! flock -w 1800 "$pool_fd"; then
		pool_say "somebody has held $pool_journal for 30 minutes"
		exec {pool_fd}>&-
		pool_fd=
		return 1
	fi
	export POOL_LOCKED=$$
	pool_recover
}

pool_close_lock() {
	[ -n "$pool_fd" ] && [ -z "$pool_kept$pool_old_pages" ] && [ ${#thp_old[@]} -eq 0 ] || return 0
	pool_recover
	exec {pool_fd}>&-
	pool_fd=
	unset POOL_LOCKED
}

pool_note() {
	echo "$1 $2" >>"$pool_journal"
}

# Runs $1 at exit, before what the EXIT trap holds already.
pool_at_exit() {
	local old signal

	old=$(trap -p EXIT)
	case $old in
	*"$1"*) return ;;
	esac
	eval "set -- \"\$1\" ${old#trap}"
	# shellcheck disable=SC2064
	trap "$1${3:+; $3}" EXIT
	for signal in HUP:129 INT:130 TERM:143; do
		[ -n "$(trap -p "${signal%:*}")" ] ||
			trap "exit ${signal#*:}" "${signal%:*}"
	done
}

pool_resize() {
	local try

	for try in 1 2 3 4 5 6 7 8 9 10; do
		echo "$1" >$POOL_DIR/nr_hugepages || return 1
		[ "$(cat $POOL_DIR/nr_hugepages)" -ne "$1" ] || return 0
		[ "$try" -ne 2 ] || echo 1 >/proc/sys/vm/compact_memory 2>/dev/null
		sleep 0.1
	done
	return 1
}

# Makes the pool of $1 pages $2 larger; with $3, a contig, by gigabytes side by side.
pool_grow() {
	local giant

	if [ -z "$3" ]; then
		pool_resize $(($1 + $2))
		return
	fi
	if [ "$1" -ne 0 ]; then
		pool_say "this machine has a pool of its own: no other one beside it"
		return 1
	fi
	giant=$(cat $POOL_GIANT_DIR/nr_hugepages) || return 1
	pool_note $POOL_GIANT_DIR/nr_hugepages "$giant"
	# More than one run is exit status 1: less than hoped for, but a pool.
	"$3" pool reserve $(($2 * 2))M --contiguous >&2
	[ "$(cat $POOL_DIR/nr_hugepages)" -eq "$2" ]
}

# The first touch of a page that the machine's host has not backed yet takes many times as
# long as every later one; it must not fall into somebody's measurement.
pool_warm() {
	local build=${BUILD:-build} here

	here=$(dirname "${BASH_SOURCE[0]}")
	mkdir -p "$build/tests"
	if [ ! -x "$build/tests/pool_warm" ]; then
		"${CC:-cc}" -O2 -o "$build/tests/pool_warm.$$" "$here/pool_warm.c" &&
			mv "$build/tests/pool_warm.$$" "$build/tests/pool_warm" || return 1
	fi
	env -u LD_PRELOAD "$build/tests/pool_warm" "$1"
}

pool_borrow() {
	local pages=$((($1 + 1) / 2)) free_kib have

	if [ ! -w $POOL_DIR/nr_hugepages ] || [ "$(id -u)" -ne 0 ]; then
		pool_say "only root may grow the pool of huge pages"
		return 1
	fi
	if [ -n "$pool_old_pages" ]; then
		pool_say "borrowed already"
		return 1
	fi
	pool_open_lock || return 1
	free_kib=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
	if [ "$free_kib" -lt $((pages * 2048 + 262144)) ]; then
		pool_say "$((free_kib / 1024)) MiB available, not enough for a pool of $1 MiB"
		pool_close_lock
		return 1
	fi
	pool_at_exit pool_return
	pool_old_overcommit=$(cat $POOL_DIR/nr_overcommit_hugepages)
	have=$(cat $POOL_DIR/nr_hugepages)
	pool_old_pages=$have
	pool_note $POOL_DIR/nr_hugepages "$pool_old_pages"
	pool_note $POOL_DIR/nr_overcommit_hugepages "$pool_old_overcommit"
	if ! pool_grow "$have" "$pages" "${2:-}"; then
		pool_say "memory is too fragmented: $(cat $POOL_DIR/nr_hugepages) of" \
			"$((have + pages)) pages"
		pool_return
		return 1
	fi
	pool_warm $((pages * 2)) || pool_say "pages not warmed"
}

pool_take_away() {
	[ -z "$pool_old_pages" ] || pool_resize "$pool_old_pages"
}

pool_return() {
	[ -n "$pool_old_pages" ] || return 0
	echo "$pool_old_overcommit" >$POOL_DIR/nr_overcommit_hugepages
	pool_resize "$pool_old_pages" ||
		pool_say "could not put nr_hugepages back to $pool_old_pages (pages in use?)"
	pool_old_pages=
	pool_close_lock
}

thp_read() {
	sed 's/.*\[\(.*\)\].*/\1/' "$POOL_THP_DIR/$1"
}

thp_set_one() {
	local old

	old=$(thp_read "$1" 2>/dev/null)
	if [ -z "$old" ] || [ ! -w "$POOL_THP_DIR/$1" ] || [ "$(id -u)" -ne 0 ]; then
		pool_say "cannot change $POOL_THP_DIR/$1"
		return 1
	fi
	thp_old=("$1=$old" "${thp_old[@]}")
	pool_note "$POOL_THP_DIR/$1" "$old"
	if ! echo "$2" >"$POOL_THP_DIR/$1" || [ "$(thp_read "$1")" != "$2" ]; then
		pool_say "$POOL_THP_DIR/$1 does not take $2"
		return 1
	fi
}

thp_set() {
	local change

	pool_open_lock || return 1
	pool_at_exit thp_return
	for change; do
		case $change in
		*=*) ;;
		*) change=enabled=$change ;;
		esac
		if ! thp_set_one "${change%%=*}" "${change#*=}"; then
			thp_return
			return 1
		fi
	done
}

thp_return() {
	local change

	for change in "${thp_old[@]}"; do
		echo "${change#*=}" >"$POOL_THP_DIR/${change%%=*}"
	done
	thp_old=()
	pool_close_lock
}

# Runs a command so that a signal to this shell reaches it and the traps run at once; its
# status is the command's.
pool_run() {
	local signal

	(
		[ -z "$pool_fd" ] || exec {pool_fd}>&-
		exec env --default-signal=INT,QUIT -- "$@"
	) <&0 &
	pool_child=$!
	for signal in HUP:129 INT:130 TERM:143; do
		# shellcheck disable=SC2064
		trap "kill -${signal%:*} $pool_child; wait $pool_child; exit ${signal#*:}" \
			"${signal%:*}"
	done
	wait $pool_child
}
