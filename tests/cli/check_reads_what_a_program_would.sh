#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig check without FILE: CONTIG_CONF, else XDG_CONFIG_HOME/contig.conf, else
# /etc/contig.conf, and the variables.
. "$(dirname "$0")/common.bash"

mkdir "$work/xdg" "$work/none"
printf '[process]\nretain = 1X\n' >"$work/xdg/contig.conf"
printf '[process]\nretain = 2X\n' >"$work/named.conf"

status 1 env CONTIG_CONF="$work/named.conf" XDG_CONFIG_HOME="$work/xdg" "$contig" check
says "$out" "$work/named.conf:2: *2X"
says_not "$out" "1X"
status 1 env XDG_CONFIG_HOME="$work/xdg" "$contig" check
says "$out" "$work/xdg/contig.conf:2: *1X"
status 1 env CONTIG_CONF="$work/absent" XDG_CONFIG_HOME="$work/xdg" "$contig" check
says "$out" "$work/absent: *No such file"
says_not "$out" "1X"
if [ ! -e /etc/contig.conf ]; then
	status 0 env XDG_CONFIG_HOME="$work/none" "$contig" check
	says "$out" "no file, built-in rules only"
fi

export XDG_CONFIG_HOME=$work/none CONTIG_CONF=$work/good.conf
printf '[process]\nretain = 1M\n[rule a]\nchain = thp\n' >"$work/good.conf"
status 0 "$contig" check
status 0 env CONTIG_RETAIN=5M CONTIG_POLICY='size=64M..,call=malloc: hugetlb,thp; size=1M..: thp' \
	"$contig" check
says "$out" "3 rules"
status 1 env CONTIG_RETAIN=5Q "$contig" check
says "$out" 'CONTIG_RETAIN: *"5Q"'
status 1 env CONTIG_FROBNICATE=1 "$contig" check
says "$out" "CONTIG_FROBNICATE"
status 1 env CONTIG_POLICY='size=64M..: frobnicate' "$contig" check
says "$out" "CONTIG_POLICY*frobnicate"
status 1 "$contig" check --policy 'size=64M..: frobnicate'
status 0 env CONTIG_DISABLE=1 "$contig" check

# With FILE, that file alone.
status 0 env CONTIG_RETAIN=5Q CONTIG_POLICY=frobnicate "$contig" check "$work/good.conf"
