#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# gdb: debugs a program with the library in both, and attaches to a running one.

. "$(dirname "$0")/lib.sh"
need gdb gcc

cat >"$work/program.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int *numbers;

static int add_up(int count)
{
	int sum = 0;

	for (int i = 0; i < count; i++)
		sum += numbers[i];
	return sum;
}

int main(int argc, char **argv)
{
	int count = 1 << 20;

	numbers = malloc(count * sizeof(*numbers));
	for (int i = 0; i < count; i++)
		numbers[i] = i % 7;
	printf("%d\n", add_up(count));
	fflush(stdout);
	if (argc > 1)
		sleep(60);
	return 0;
}
END
gcc -O0 -g -o "$work/program" "$work/program.c" || exit 1

app() {
	local pid

	under gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'break add_up' -ex run -ex bt \
		-ex 'print numbers[1000003]' -ex 'print count' -ex finish -ex 'continue' \
		"$work/program" >out 2>&1
	grep -q '#0  add_up (count=1048576)' out || fail "no backtrace: $(cat out)"
	grep -qE '^\$1 = [0-6]$' out || fail "cannot read the program's memory: $(cat out)"
	grep -q 'Value returned is .* = 3145722' out || fail "another sum: $(cat out)"
	grep -q 'exited normally' out || fail "the program does not end: $(cat out)"
	served gdb "$(pool_of_backing)"
	served program "$(pool_of_backing)"

	under "$work/program" stay >sum &
	pid=$!
	wait_for 10 grep -q . sum || fail "the program prints nothing"
	pid=$(pgrep -n -f "^$work/program stay") || fail "the program is gone"
	under gdb -nx -batch -p "$pid" -ex 'print numbers[1000003]' -ex 'call malloc(3000000)' \
		-ex detach >attached 2>&1
	grep -qE '^\$1 = [0-6]$' attached || fail "cannot attach: $(cat attached)"
	kill -0 "$pid" || fail "the program did not survive gdb"
	kill "$pid"
}

apps_main
