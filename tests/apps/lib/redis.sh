# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A Redis server of our own. Debian's redis-check-rdb is the server, too, under another name;
# so the package with the daemon is not needed.

need redis-check-rdb redis-cli redis-benchmark
ln -s /usr/bin/redis-check-rdb "$work/redis-server"
socket=$work/redis.sock

# It answers while it still loads its data, too.
redis_is_up() {
	[ "$(redis_info persistence loading)" = 0 ]
}

# redis_start COMMAND...: starts `COMMAND... redis-server` with its data in the current
# directory; $redis_pid is the server's.
redis_start() {
	"$@" "$work/redis-server" --port 0 --unixsocket "$socket" --save '' --dir "$PWD" \
		--dbfilename dump.rdb --daemonize no --enable-debug-command yes \
		--logfile "$PWD/redis.log" &
	redis_job=$!
	wait_for 20 redis_is_up || {
		cat redis.log >&2
		fail "redis-server does not answer"
	}
	redis_pid=$(redis_info server process_id)
}

redis_stop() {
	redis-cli -s "$socket" shutdown nosave >/dev/null 2>&1
	wait "$redis_job" || fail "redis-server ended with status $?"
}

ask() {
	redis-cli -s "$socket" --no-raw "$@"
}

# The digest of all keys and values, by Redis itself.
redis_digest() {
	ask debug digest
}

redis_info() {
	redis-cli -s "$socket" info "$1" | sed -n "s/^$2:\([^\r]*\).*/\1/p"
}

redis_has_saved() {
	[ "$(redis_info persistence rdb_bgsave_in_progress)" = 0 ]
}

# A dump that is complete and right, or nothing at all.
redis_bgsave() {
	ask bgsave >/dev/null
	wait_for 60 redis_has_saved || fail "BGSAVE does not end"
	[ "$(redis_info persistence rdb_last_bgsave_status)" = ok ] || {
		tail -n 5 redis.log >&2
		fail "BGSAVE failed"
	}
}
