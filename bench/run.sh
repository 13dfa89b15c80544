#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh [--long] [--strict] [--list] [NAME...]
#
# Ask the questions of bench/questions.py (all, or those named), each side by turns in one go;
# print medians, spread, ratios and whether the bars are met; write results.json and the figures
# to $BUILD/bench. The pool of huge pages is borrowed for each question and given back.
#
#   RUNS=7    runs of each side     LIBRARY_DIR=$BUILD   where libcontig.so is
#   WARM_MIB=6144   memory touched once before everything
#   --long    also what takes long (4 GiB)
#   --strict  exit 1 if a bar is missed or could not be measured
#   --list    print the names of the questions
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.." || exit 1
. tests/pool.sh

BUILD=${BUILD:-build}
RUNS=${RUNS:-7}
LIBRARY_DIR=$(realpath -m "${LIBRARY_DIR:-$BUILD}")
OUT=$(realpath -m "$BUILD/bench")
WARM_MIB=${WARM_MIB:-6144}
long=
strict=
export PYTHONDONTWRITEBYTECODE=1

# Prints "NAME POOL_MIB FRAGMENTED CONTIGUOUS" of every question that is asked; the last two are
# 0 or 1.
run_questions() {
	python3 - "$long" "$@" <<-'EOF'
		import sys
		sys.path.insert(0, "bench")
		from questions import QUESTIONS
		unknown = set(sys.argv[2:]) - {question.name for question in QUESTIONS}
		if unknown:
		    sys.exit(f"run.sh: no such question: {' '.join(sorted(unknown))}")
		for question in QUESTIONS:
		    if question.name in sys.argv[2:] or \
		       not sys.argv[2:] and (sys.argv[1] or not question.long_only):
		        print(question.name, question.pool_mib, int(bool(question.fragment)),
		              int(question.contiguous))
	EOF
}

# All sides pay the same for memory that the machine has not seen yet: none.
run_warm() {
	local free_mib

	free_mib=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
	"$OUT/bin/warm" $((free_mib / 2 < WARM_MIB ? free_mib / 2 : WARM_MIB)) 0
}

run_question() {
	local name=$1 pool_mib=$2 fragmented=$3 contiguous=$4 status

	pool_lock || return 1
	# Noted as they are: measure.py turns them for some sides.
	if [ "$fragmented" -eq 1 ] && [ -e "$POOL_THP_DIR/hugepages-1024kB/enabled" ]; then
		thp_set "hugepages-1024kB/enabled=$(thp_read hugepages-1024kB/enabled)" \
			"hugepages-64kB/enabled=$(thp_read hugepages-64kB/enabled)"
	fi
	if [ "$pool_mib" -gt 0 ] && ! pool_borrow "$pool_mib" \
		${contiguous:+"$LIBRARY_DIR/contig"}; then
		pool_mib=0
	fi
	pool_run python3 bench/measure.py "$name" --runs "$RUNS" --build "$LIBRARY_DIR" \
		--programs "$OUT/bin" --out "$OUT" --pool-mib "$pool_mib" 3<&-
	status=$?
	thp_return
	pool_return
	pool_unlock
	[ $status -eq 0 ] || return $status
	python3 bench/report.py show "$OUT" "$name"
}

while :; do
	case ${1:-} in
	--long) long=1 ;;
	--strict) strict=--strict ;;
	--list) long=1; run_questions | cut -d ' ' -f 1; exit ;;
	-*) sed -n 's/^# \{0,1\}//; 3,13p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
questions=$(run_questions "$@") || exit 2
mkdir -p "$OUT"
make -s -f Makefile -f mk/bench.mk BUILD="$BUILD" bench-programs || exit 1
[ -e "$LIBRARY_DIR/libcontig.so" ] || echo "run.sh: no $LIBRARY_DIR/libcontig.so: peers only" >&2

python3 bench/report.py machine "$OUT"
run_warm
names=()
while read -r name pool_mib fragmented contiguous <&3; do
	rm -f "$OUT/$name.json"
	run_question "$name" "$pool_mib" "$fragmented" "${contiguous#0}" || exit
	names+=("$name")
done 3<<<"$questions"
python3 bench/report.py finish $strict "$OUT" "${names[@]}"
