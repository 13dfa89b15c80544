#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# redis-server: values of all kinds and large ones, redis-benchmark, BGSAVE under the library;
# the dump is checked, and loaded with and without the library.

. "$(dirname "$0")/lib.sh"
. tests/apps/lib/redis.sh

fill() {
	ask debug populate 100000 key 100
	ask debug populate 20 large 3000000
	ask eval 'for i = 1, 20000 do
		redis.call("hset", "hash", i, i * i)
		redis.call("zadd", "set", i, "member" .. i)
		redis.call("rpush", "list", i)
	end' 0
	ask setrange string 20000000 end
}

app() {
	local digest

	redis_start under
	mapped_in $redis_pid || fail "the library is not in redis-server"
	fill >fill.log
	redis-benchmark -s "$socket" -q -n 10000 -c 20 -d 200 \
		-t set,get,incr,lpush,sadd,hset >benchmark.log
	redis-benchmark -s "$socket" -q -n 100 -c 4 -d 2000000 -t set,get >>benchmark.log
	! grep -i error benchmark.log || fail "redis-benchmark reports an error"
	digest=$(redis_digest)
	redis_bgsave
	[ "$(redis_digest)" = "$digest" ] || fail "the data has changed after BGSAVE"
	redis_stop
	served 'redis*' "$(pool_of_backing)"
	redis-check-rdb dump.rdb >check.log || fail "redis-check-rdb refuses the dump"

	redis_start under
	[ "$(redis_digest)" = "$digest" ] || fail "another digest after the reload"
	redis_stop
	redis_start env
	[ "$(redis_digest)" = "$digest" ] || fail "another digest after a reload without us"
	redis_stop
}

apps_main
