#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# timeout: 240 1800
# BGSAVE of Redis again and again, under writes, while its memory fills the pool of huge pages:
# copy-on-write then finds no page. No child may be killed by it, and each dump must load and
# hold, for a set of keys that is written before each save only, exactly what was written.
# 5 saves; with --long 50.

. "$(dirname "$0")/lib.sh"
. tests/apps/lib/redis.sh

saves=5
[ -z "${CHECK_LONG:-}" ] || saves=50
apps_pool_mib=128

# Large values, overwritten in place as fast as it goes until the file `stop` is there.
write_on() {
	local i=0

	while [ ! -e stop ]; do
		i=$((i + 1))
		echo "setrange busy:$((i % 30)) $((i * 4099 % 3000000)) changed$i"
		echo "set small:$((i % 5000)) $i"
	done | redis-cli -s "$socket" >/dev/null
}

# What a dump says about the keys that nobody else writes.
digest_of_dump() {
	mkdir reload
	cp dump.rdb reload
	(
		cd reload
		socket=$work/reload.sock
		redis_start env
		ask --no-raw mget mark mark:large:length >/dev/null
		{
			redis-cli -s "$socket" get mark
			redis-cli -s "$socket" eval \
				'return redis.sha1hex(redis.call("get", "mark:large"))' 0
			redis-cli -s "$socket" dbsize
		} >../reloaded
		redis_stop
	)
	rm -r reload
}

save_and_check() {
	local mark=save-$1

	redis-cli -s "$socket" set mark "$mark" >/dev/null
	redis-cli -s "$socket" setrange mark:large $(($1 * 7001)) "$mark" >/dev/null
	redis-cli -s "$socket" eval 'return redis.sha1hex(redis.call("get", "mark:large"))' 0 >sha1
	redis_bgsave
	redis-check-rdb dump.rdb >check.log || fail "save $1: redis-check-rdb refuses the dump"
	digest_of_dump
	printf '%s\n%s\n' "$mark" "$(cat sha1)" >wanted
	head -n 2 reloaded >got
	same got wanted "save $1: the dump"
}

app() {
	local i writer

	redis_start under
	mapped_in $redis_pid || fail "the library is not in redis-server"
	for i in $(seq 0 29); do
		echo "setrange busy:$i 3000000 end"
	done | redis-cli -s "$socket" >/dev/null
	for i in $(seq 0 4999); do
		echo "set small:$i 0"
	done | redis-cli -s "$socket" >/dev/null
	redis-cli -s "$socket" setrange mark:large 20000000 end >/dev/null
	# The last free pages of a pool: nobody but the copies could want them.
	[ $backing != hugetlb ] || echo "pool: $(cat $POOL_DIR/free_hugepages) pages free" >&2
	write_on &
	writer=$!
	for i in $(seq $saves); do
		save_and_check "$i"
	done
	touch stop
	wait $writer
	[ "$(redis_info persistence rdb_saves)" -ge $saves ] || fail "saves are missing"
	! grep -iE 'terminated by signal|child.*signal' redis.log || fail "a child was killed"
	redis_stop
	served 'redis*' "$(pool_of_backing)"
}

apps_main
