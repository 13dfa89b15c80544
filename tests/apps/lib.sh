# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What every tests/apps/*.sh shares. A script sources it, names what it needs, does the work
# once without the library, defines app() and calls apps_main, which runs app() three times:
#
#   hugetlb   a borrowed pool; everything from 64 KiB up goes to 2 MiB pages
#   thp       everything from 64 KiB up goes to THP
#   none      no pool and no policy: what a newcomer gets
#
# app() runs in a subshell of its own, under `set -e`, in the directory $run, which is empty.
# It runs programs with `under PROGRAM...` and proves with `served PROGRAM [POOL]` that the
# library served them (POOL: that this pool did serve requests). $work is everybody's and is
# removed at the end; $backing is one of the three.

set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
root=$PWD
BUILD=$(realpath -m "${BUILD:-build}")
. tests/pool.sh
unset LD_PRELOAD "${!CONTIG_@}"
# Debian's own programs, not what somebody's PATH puts before them.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

work=$(mktemp -d "${TMPDIR:-/tmp}/contig-app.XXXXXX") || exit 1
chmod 755 "$work"
apps_pool_mib=${apps_pool_mib:-256}

# Whatever still runs in our directory or with our copy of the library was started by us.
apps_kill() {
	local process

	for process in /proc/[0-9]*; do
		[ "${process#/proc/}" != "$BASHPID" ] && [ "${process#/proc/}" != $$ ] || continue
		case $(readlink "$process/cwd") in
		"$work"/*) kill -KILL "${process#/proc/}" ;;
		*) ! grep -q "$work/libcontig.so" "$process/maps" ||
			kill -KILL "${process#/proc/}" ;;
		esac
	done 2>/dev/null
}

trap 'apps_kill; rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# A copy in a place that every user can read, and that a new build does not change.
lib=$work/libcontig.so
install -m 755 "$BUILD/libcontig.so" "$lib" || exit 1

say() {
	echo "$*" >&2
}

fail() {
	say "${backing:+$backing: }$*"
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

need() {
	local program

	for program; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# Runs a program under the library, by the policy of this backing, with a report at its end.
under() {
	env LD_PRELOAD="$lib" \
		CONTIG_STATS="json:$stats/%e.%p.json" ${policy:+CONTIG_POLICY="$policy"} "$@"
}

# served PATTERN [POOL]: a program of that name wrote a report that says it was served, and, if
# POOL (a pattern, too) is given, that this pool served requests.
served() {
	/usr/bin/python3 "$root/tests/apps/served.py" "$stats" "$@" || fail "$1 was not served${2:+ by $2}"
}

# The pool that large requests of this run must have come from.
pool_of_backing() {
	case $backing in
	hugetlb) echo 'hugetlb-2M' ;;
	*) echo 'thp' ;;
	esac
}

same() {
	cmp "$1" "$2" >&2 || fail "$3 differs with the library"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local tries=$(($1 * 20))

	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# The library is in the process's memory.
mapped_in() {
	grep -q "$lib" "/proc/$1/maps"
}

apps_run_one() {
	local status

	backing=$1
	stats=$work/$backing.stats
	run=$work/$backing
	mkdir -m 755 "$run"
	mkdir -m 1777 "$stats"
	chmod 1777 "$stats"
	say "== $backing"
	set +e
	(
		trap apps_kill EXIT
		set -e
		cd "$run"
		app
	)
	status=$?
	[ $status -eq 0 ] || exit $status
}

# One backing, with what it needs. Return: 1 if the machine does not give that.
apps_run_backing() {
	case $1 in
	hugetlb)
		pool_borrow "$apps_pool_mib" || return 1
		policy="size=64K..: hugetlb-2M, thp, base"
		apps_run_one hugetlb
		pool_return
		;;
	thp)
		policy="size=64K..: thp, base"
		apps_run_one thp
		;;
	none)
		[ "$(cat $POOL_DIR/free_hugepages 2>/dev/null || echo 0)" -eq 0 ] || return 1
		policy=
		apps_run_one none
		;;
	esac
}

# APPS_BACKINGS names fewer of them, for whoever looks for a fault.
apps_main() {
	local one left_out=

	[ "$(id -u)" -ne 0 ] || pool_lock || exit 1
	for one in ${APPS_BACKINGS:-hugetlb thp none}; do
		apps_run_backing "$one" || left_out+=" $one"
	done
	[ -z "$left_out" ] ||
		skip "left out:$left_out (no pool of $apps_pool_mib MiB, or one that is not ours)"
}
