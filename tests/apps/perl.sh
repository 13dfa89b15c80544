#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# perl: large strings, hashes, sort, regular expressions and fork, with and without the library.

. "$(dirname "$0")/lib.sh"
need perl

cat >"$work/script" <<'END'
use strict;
use Digest::SHA qw(sha256_hex);

my $text = join '', map { chr(97 + $_ * 7 % 26) } 0 .. 1_000_000;
print sha256_hex($text), "\n";
(my $other = $text) =~ s/([aeiou])/$1$1/g;
print length $other, " ", sha256_hex($other), "\n";
my %hash = map { $_ => $_ * 3 % 1001 } 1 .. 100_000;
print join(' ', (sort { $hash{$a} <=> $hash{$b} || $a <=> $b } keys %hash)[0 .. 9]), "\n";
my @grown;
push @grown, $_ for 1 .. 1_000_000;
print scalar @grown, "\n";
$| = 1;
for my $child (1 .. 8) {
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		substr($text, $child, 1) = '#';
		print "$child ", sha256_hex($text), "\n";
		exit 0;
	}
	waitpid $pid, 0;
	die "child $child: $?" if $?;
}
print sha256_hex($text), "\n";
END

app() {
	under perl "$work/script" >out
	same out "$work/expected" "what perl printed"
	served perl "$(pool_of_backing)"
}

perl "$work/script" >"$work/expected" || fail "perl fails without the library"
apps_main
