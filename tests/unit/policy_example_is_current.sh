#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig.conf.example is what the tables in policy/ say today. To renew it:
#	build/tests/gen/policy_example_gen >contig.conf.example
# Environment: BUILD.

generator=${BUILD:-build}/tests/gen/policy_example_gen
[ -x "$generator" ] || { echo "no $generator: make unit-programs"; exit 1; }
diff -u contig.conf.example <("$generator")
