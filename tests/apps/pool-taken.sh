#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The pool is taken away in the middle of a run: the program goes on, and its data is right.

. "$(dirname "$0")/lib.sh"
need perl

cat >"$work/script" <<'END'
use strict;
$| = 1;
my @live;
my $wrong = 0;
for my $round (1 .. 300) {
	my $byte = chr($round % 251);
	$live[$round % 12] = [$byte, $byte x (3_000_000 + $round * 1000)];
	for my $one (grep { $_ } @live) {
		my ($want, $text) = @$one;
		$wrong++ if $text =~ tr/\x00-\xff// != length $text
			or substr($text, -1) ne $want or substr($text, length($text) / 2, 1) ne $want;
	}
	print "half\n" if $round == 100;
	# Wait until the pool has gone.
	while ($round == 100 && !-e "gone") { select undef, undef, undef, 0.02 }
}
print "$wrong wrong\n";
END

app() {
	local pid before

	under perl "$work/script" >out &
	pid=$!
	wait_for 60 grep -q half out || fail "the program does not get half way"
	before=$(cat $POOL_DIR/free_hugepages)
	if [ "$backing" = hugetlb ]; then
		# What is in use stays as surplus and leaves the pool when it is freed.
		echo 0 >$POOL_DIR/nr_hugepages
		[ "$(cat $POOL_DIR/free_hugepages)" -lt "$before" ] || fail "the pool does not go"
	fi
	touch gone
	wait $pid || fail "the program ended with status $?"
	grep -qx '0 wrong' out || fail "damaged: $(cat out)"
	served perl "$(pool_of_backing)"
	if [ "$backing" = hugetlb ]; then
		served perl thp
	fi
}

apps_main
