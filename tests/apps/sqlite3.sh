#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# sqlite3: a database filled, indexed, queried and checked, with and without the library.

. "$(dirname "$0")/lib.sh"
need sqlite3

cat >"$work/fill.sql" <<'END'
PRAGMA page_size = 65536;
PRAGMA cache_size = -100000;
PRAGMA mmap_size = 268435456;
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, value INTEGER, data BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
INSERT INTO item SELECT i, 'name ' || (i * 7919 % 150000), i * 31 % 1009,
	printf('%.*c', 20 + i % 100, 'x') FROM n;
CREATE INDEX item_name ON item(name);
CREATE INDEX item_value ON item(value, name);
INSERT INTO item SELECT 1000000 + n, 'big', n, printf('%.*c', 3000000, 'y')
	FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3);
DELETE FROM item WHERE id % 10 = 3;
UPDATE item SET value = value + 1 WHERE value % 2 = 0;
VACUUM;
END
cat >"$work/ask.sql" <<'END'
PRAGMA integrity_check;
SELECT count(*), sum(value), sum(length(data)) FROM item;
SELECT value, count(*), min(name), max(name) FROM item GROUP BY value ORDER BY 2 DESC, 1 LIMIT 20;
SELECT a.id, b.id FROM item a JOIN item b ON a.name = b.name AND a.id < b.id LIMIT 20;
SELECT id, length(data), substr(data, 2999990) FROM item WHERE name = 'big';
END

app() {
	under sqlite3 data.db <"$work/fill.sql" >/dev/null
	under sqlite3 data.db <"$work/ask.sql" >answers
	same answers "$work/answers" "what sqlite3 answered"
	sqlite3 data.db .dump >dump
	same dump "$work/dump" "the database's contents"
	served sqlite3 "$(pool_of_backing)"
}

cd "$work" || exit 1
sqlite3 data.db <fill.sql >/dev/null && sqlite3 data.db <ask.sql >answers && sqlite3 data.db .dump >dump ||
	fail "sqlite3 fails without the library"
grep -qx ok answers || fail "the database is bad without the library"
apps_main
