#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh [--long] [--list] [NAME...]: run the tests that `make check-build` has built, one at a
# time, and sum up in the last line: N passed, N failed, N skipped.
#
# NAME is a test (unit/policy_sizes), a stage (unit), the last part of a name, or a pattern.
# Stages: unit (also with sanitizers), cli, preload (each program with each backing), apps, fuzz.
# A test exits with 0 (passed), 77 (skipped; its last line says why), else it has failed.
# Its time limit is 120 s, or what a comment `timeout: SECONDS [SECONDS with --long]` says.
# Environment: BUILD, STRICT=1 (a skip is a failure), FUZZ_SECONDS.

cd "$(dirname "$0")/.." || exit 1
unset LD_PRELOAD "${!CONTIG_@}"
. tests/pool.sh

BUILD=$(realpath -m "${BUILD:-build}")
export BUILD LC_ALL=C
lib=$BUILD/libcontig.so
logs=$BUILD/test-logs
fuzz_seconds=${FUZZ_SECONDS:-60}
list=
names=()
passed=0 failed=0 skipped=0
failures=()

run_parse_arguments() {
	local arg

	for arg; do
		case $arg in
		--long) export CHECK_LONG=1 ;;
		--list) list=1 ;;
		-*) sed -n '3,4p' "$0" >&2; exit 2 ;;
		*) names+=("$arg") ;;
		esac
	done
}

run_is_wanted() {
	local name

	[ ${#names[@]} -ne 0 ] || return 0
	for name in "${names[@]}"; do
		# shellcheck disable=SC2053 # patterns are meant
		[[ $1 == $name || $1 == $name/* || $1 == */$name || $1 == $name@* ||
			$1 == */$name@* ]] && return 0
	done
	return 1
}

# The limit in seconds that the source of a test asks for.
run_find_limit() {
	local short long

	read -r short long < <(sed -n 's/.*\<timeout: *\([0-9 ]*\).*/\1/p;40q' "$1" 2>/dev/null)
	[ -z "${CHECK_LONG:-}" ] || short=${long:-$short}
	echo "${short:-120}"
}

run_count() {
	local id=$1 status=$2 seconds=$3 log=$4

	if [ "$status" -eq 77 ] && [ "${STRICT:-0}" != 1 ]; then
		skipped=$((skipped + 1))
		printf 'skip  %6ss  %s: %s\n' "$seconds" "$id" "$(tail -n 1 "$log")"
	elif [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		printf 'ok    %6ss  %s\n' "$seconds" "$id"
	else
		failed=$((failed + 1))
		failures+=("$id")
		case $status in
		124) echo "(stopped: took longer than it may)" >>"$log" ;;
		137) echo "(killed, perhaps for taking longer than it may)" >>"$log" ;;
		*) echo "(exit status $status)" >>"$log" ;;
		esac
		printf 'FAIL  %6ss  %s\n' "$seconds" "$id"
		tail -n 30 "$log" | sed 's/^/      | /'
	fi
}

# run_test ID LIMIT COMMAND...
run_test() {
	local id=$1 limit=$2 log begin status tenths

	shift 2
	run_is_wanted "$id" || return 0
	if [ -n "$list" ]; then
		echo "$id"
		return
	fi
	log=$logs/$id.log
	mkdir -p "$(dirname "$log")"
	begin=${EPOCHREALTIME/./}
	(
		[ -z "$pool_fd" ] || exec {pool_fd}>&-
		exec timeout --kill-after=20 "$limit" env --default-signal=INT,QUIT -- "$@"
	) >"$log" 2>&1 </dev/null &
	running=$!
	{ wait $running; } 2>/dev/null
	status=$?
	# timeout leads a process group of its own: what the test left behind goes with it.
	kill -KILL -- -$running 2>/dev/null
	running=
	[ -z "$pool_fd" ] || [ -n "$pool_old_pages" ] || pool_recover 2>>"$log"
	tenths=$(((${EPOCHREALTIME/./} - begin) / 100000))
	run_count "$id" $status $((tenths / 10)).$((tenths % 10)) "$log"
}

run_script() {
	local id=${1#tests/}

	run_test "${id%.sh}" "$(run_find_limit "$1")" bash "$1"
}

run_scripts() {
	local script

	for script in "$@"; do
		[ ! -f "$script" ] || [ "$script" = tests/apps/lib.sh ] || run_script "$script"
	done
}

run_unit() {
	local program name limit

	for program in "$BUILD"/tests/unit/* "$BUILD"/tests/unit-asan/* "$BUILD"/tests/unit-tsan/*; do
		[ -f "$program" ] && [ -x "$program" ] || continue
		name=${program#"$BUILD"/tests/}
		limit=$(run_find_limit "tests/unit/${name#*/}.c")
		case $name in
		*san/*) run_test "$name" $((limit * 3)) setarch -R "$program" ;;
		*) run_test "$name" "$limit" "$program" ;;
		esac
	done
	run_scripts tests/unit/*.sh
}

# run_preload BACKING [VARIABLE=VALUE...]: every program of tests/preload with one backing.
run_preload() {
	local backing=$1 source name

	shift
	for source in tests/preload/*.c tests/preload/*.cc; do
		name=$(basename "${source%.*}")
		[ -x "$BUILD/tests/preload/$name" ] || continue
		case $source in
		*_plugin.*) continue ;;
		esac
		if [ "${1:-}" = skip ]; then
			run_test "preload/$name@$backing" 10 sh -c 'echo "$0"; exit 77' "$2"
			continue
		fi
		run_test "preload/$name@$backing" "$(run_find_limit "$source")" \
			env LD_PRELOAD="$lib" TEST_BACKING="$backing" "$@" \
			"$BUILD/tests/preload/$name"
	done
}

run_preloads() {
	local free

	free=$(cat $POOL_DIR/free_hugepages 2>/dev/null)
	if [ "${free:-0}" -eq 0 ]; then
		run_preload none
	else
		run_preload none skip "this machine's pool has $free free huge pages of its own"
	fi
	run_preload thp CONTIG_POLICY="size=64K..: thp, base"
	if [ -n "$(list=1; run_preload hugetlb)" ]; then
		if [ -z "$list" ] && ! pool_borrow 256; then
			run_preload hugetlb skip "a pool of 256 MiB could not be had"
		else
			run_preload hugetlb CONTIG_POLICY="size=64K..: hugetlb-2M, thp, base"
			pool_return
		fi
	fi
	run_scripts tests/preload/*.sh
}

# The seconds are shared out among the fuzzers. What they find new goes below build/.
run_fuzz() {
	local programs=() program name seconds

	for program in "$BUILD"/tests/fuzz/fuzz_*; do
		[ -f "$program" ] && [ -x "$program" ] && programs+=("$program")
	done
	for program in "${programs[@]}"; do
		name=$(basename "$program")
		seconds=$((fuzz_seconds / ${#programs[@]}))
		mkdir -p "$BUILD/fuzz-corpus/$name" "$logs/fuzz"
		run_test "fuzz/$name" $((seconds + 120)) "$program" -max_total_time=$seconds \
			-timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
			-artifact_prefix="$logs/fuzz/$name-" \
			"$BUILD/fuzz-corpus/$name" "tests/fuzz/corpus_${name#fuzz_}"
	done
}

run_sum_up() {
	local id

	[ -z "$running" ] || kill -TERM -- -$running 2>/dev/null
	for id in "${failures[@]}"; do
		echo "failed: $id (${logs#"$PWD"/}/$id.log)"
	done
	echo "$passed passed, $failed failed, $skipped skipped"
}

run_parse_arguments "$@"
running=
if [ -z "$list" ]; then
	[ "$(id -u)" -ne 0 ] || pool_lock || exit 1
	trap run_sum_up EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
fi
run_unit
run_scripts tests/cli/*.sh
run_preloads
run_scripts tests/apps/*.sh
run_fuzz
# Nothing run is nothing shown.
[ -n "$list" ] || { [ $failed -eq 0 ] && [ $((passed + skipped)) -gt 0 ]; }
