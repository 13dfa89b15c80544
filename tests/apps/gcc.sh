#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# gcc and g++: objects and a program, byte for byte the same with and without the library.

. "$(dirname "$0")/lib.sh"
need gcc g++

make_sources() {
	cp "$root"/policy/*.[ch] "$root"/policy/*.def "$root"/include/*.[dh]* .
	awk 'BEGIN {
		for (i = 0; i < 1000; i++)
			printf "int f%d(int x) { return x * %d + (x > %d ? x / 3 : x %% 7); }\n",
				i, i, i
		print "int main(void) { int s = 0;"
		for (i = 0; i < 1000; i++)
			printf "s += f%d(s & 1023);\n", i
		print "return s & 127; }"
	}' >large.c
	cat >large.cc <<-END
		#include <iostream>
		#include <map>
		#include <regex>
		#include <string>
		int main()
		{
			std::map<std::string, int> seen;
			std::regex word("[a-z]+");
			std::string text = "one two three two";
			for (std::sregex_iterator i(text.begin(), text.end(), word), end; i != end; ++i)
				seen[i->str()]++;
			for (auto &one : seen)
				std::cout << one.first << one.second << "\n";
		}
	END
}

# Everything compiled in the current directory, by $@ (under, or nothing).
compile_all() {
	local source

	for source in pattern.c text.c decide.c rules.c; do
		"$@" gcc -std=gnu11 -D_GNU_SOURCE -O2 -g -c $source
	done
	"$@" gcc -O2 -g -c large.c
	"$@" gcc large.o -o large
	"$@" g++ -O1 -g large.cc -o large-cc
}

app() {
	local object

	cd "$work/source"
	rm -f ./*.o large large-cc
	compile_all under
	for object in *.o large large-cc; do
		same "$object" "$work/plain/$object" "$object"
	done
	served cc1 "$(pool_of_backing)"
	served cc1plus "$(pool_of_backing)"
	served '*-ld*'
}

# One directory for all, since its name is in the debug information.
mkdir "$work/source" "$work/plain"
cd "$work/source" || exit 1
make_sources
(set -e; compile_all env) || fail "gcc fails without the library"
cp ./*.o large large-cc "$work/plain"
apps_main
