#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A library that has libstdc++ inside it, loaded with RTLD_LOCAL by a C program: operator new is
# still ours, and what fails is thrown by the libstdc++ of whoever called.
. "$(dirname "$0")/helpers/common.bash"

cp "$BUILD/tests/preload/cxx_local" "$tmp" || exit 1
"${CXX:-c++}" -std=gnu++17 -O2 -fno-builtin -fPIC -shared -static-libstdc++ -static-libgcc \
	-o "$tmp/cxx_local_plugin.so" tests/preload/cxx_local_plugin.cc || exit 1
if readelf -d "$tmp/cxx_local_plugin.so" | grep -q libstdc++; then
	echo "this compiler has no static libstdc++"
	exit 77
fi
under CONTIG_POLICY='size=1M..: thp, base' "$tmp/cxx_local"
check "it throws, and goes on" test "$status" -eq 0
finish
