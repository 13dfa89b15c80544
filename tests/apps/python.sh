#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 420 1500
# python3: Debian's own regression tests of what lies nearest to memory and fork. With --long
# all of multiprocessing. A test that fails without the library, too, does not count.

. "$(dirname "$0")/lib.sh"
python=/usr/bin/python3
[ -f "$($python -c 'import os; print(os.path.dirname(os.__file__))')/test/test_mmap.py" ] ||
	skip "libpython3.11-testsuite is not installed"

tests="test_ctypes test_fork1 test_mmap test_subprocess test_threading"

# regrtest NAME OPTIONS...: the failed tests, one a line, in NAME.
regrtest() {
	local name=$1

	shift
	if [ -n "${with:-}" ]; then
		under $python -m test --tempdir "$PWD" "$@" >"$name.log" 2>&1
	else
		$python -m test --tempdir "$PWD" "$@" >"$name.log" 2>&1
	fi || {
		cat "$name.log" >&2
		return 1
	}
}

app() {
	local with=1 processes=(-m 'WithProcesses*')

	[ -z "${CHECK_LONG:-}" ] || processes=()
	regrtest processes "${processes[@]}" test_multiprocessing_fork &
	if ! regrtest several -j2 $tests; then
		with=
		regrtest plain -j2 $tests && fail "python's tests fail with the library only"
	fi
	if ! wait $!; then
		with=
		regrtest plain "${processes[@]}" test_multiprocessing_fork &&
			fail "python's multiprocessing tests fail with the library only"
	fi
	under $python -c '
import hashlib
block = bytes(range(256)) * 40000
blocks = [block + bytes([i]) for i in range(8)]
print(hashlib.sha256(b"".join(blocks)).hexdigest())' >digest
	grep -q '^dd26a2ab' digest || fail "python's digest is wrong: $(cat digest)"
	served 'python3*' "$(pool_of_backing)"
}

apps_main
