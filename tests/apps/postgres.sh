#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 240
# PostgreSQL: initdb, pgbench and a crash recovery as an unprivileged user; with the pool,
# shared_buffers lies on huge pages by a rule for call=mmap-shared.

. "$(dirname "$0")/lib.sh"

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/initdb" ] && [ -x "$bin/pgbench" ] || skip "PostgreSQL is not installed"
as_user=()
if [ "$(id -u)" -eq 0 ]; then
	# PostgreSQL refuses to run as root.
	as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
fi
apps_pool_mib=384

ask() {
	"${as_user[@]}" "$bin/psql" -h "$run" -d postgres -qAt -v ON_ERROR_STOP=1 "$@"
}

server() {
	"${as_user[@]}" "$bin/pg_ctl" -D data -w -t 60 -l log "$@" >/dev/null
}

app() {
	local postmaster hugetlb

	chmod 777 .
	[ "$backing" = none ] ||
		policy="call=mmap-shared,size=16M..: ${policy#*: }; call=mmap,size=2M..: thp; $policy"
	# For everything that pg_ctl and initdb start, too.
	export LD_PRELOAD=$lib CONTIG_STATS="json:$stats/%e.%p.json" CONTIG_POLICY=$policy
	[ -n "$policy" ] || unset CONTIG_POLICY
	"${as_user[@]}" "$bin/initdb" -D data -N -A trust --no-instructions >initdb.log
	cat >>data/postgresql.conf <<-END
		listen_addresses = ''
		unix_socket_directories = '$run'
		shared_buffers = 160MB
		huge_pages = off
		work_mem = 16MB
		fsync = off
	END
	server start
	postmaster=$(head -n 1 data/postmaster.pid)
	mapped_in "$postmaster" || fail "the library is not in the postmaster"
	hugetlb=$(awk '/^HugetlbPages:/ { print $2 }' "/proc/$postmaster/status")
	if [ "$backing" = hugetlb ] && [ "$hugetlb" -lt 163840 ]; then
		fail "shared_buffers is not on huge pages: $hugetlb KiB"
	fi
	env -u LD_PRELOAD "${as_user[@]}" "$bin/pgbench" -h "$run" -q -i -s 3 postgres 2>init.log
	"${as_user[@]}" "$bin/pgbench" -h "$run" -c 4 -j 2 -t 300 postgres >bench.log 2>&1 ||
		fail "pgbench: $(cat bench.log)"
	grep -q 'processed: 1200/1200' bench.log || fail "pgbench: $(cat bench.log)"
	ask -c "SELECT count(*), sum(hashtext(i::text)), max(repeat(i::text, 100))
		FROM generate_series(1, 300000) i" >numbers
	echo "300000|$(numbers_sum)|$(printf '99999%.0s' $(seq 100))" >wanted
	same numbers wanted "a query's answer"
	# What pgbench moves, it must not lose.
	[ "$(ask -c 'SELECT (SELECT sum(abalance) FROM pgbench_accounts) =
		(SELECT sum(delta) FROM pgbench_history)')" = t ] || fail "balances do not add up"
	ask -c 'CREATE TABLE kept AS SELECT i, md5(i::text) h FROM generate_series(1, 100000) i'
	server stop -m immediate
	server start
	[ "$(ask -c "SELECT count(*) FROM kept WHERE h = md5(i::text)")" = 100000 ] ||
		fail "the table is not whole after the recovery"
	server stop -m fast
	served postgres
	served pgbench
}

# The same sum, by a server without the library: see below.
numbers_sum() {
	cat "$work/sum"
}

plain() {
	cd "$work" || return 1
	mkdir -m 777 plain
	cd plain || return 1
	run=$PWD
	"${as_user[@]}" "$bin/initdb" -D data -N -A trust --no-instructions >initdb.log || return 1
	printf "listen_addresses = ''\nunix_socket_directories = '%s'\nfsync = off\n" "$run" \
		>>data/postgresql.conf
	server start || return 1
	ask -c "SELECT sum(hashtext(i::text)) FROM generate_series(1, 300000) i" >"$work/sum"
	server stop -m fast
}

(plain) || fail "PostgreSQL fails without the library"
apps_main
