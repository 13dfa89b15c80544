#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# node, where it is installed: buffers, workers and child processes, with and without the library.

. "$(dirname "$0")/lib.sh"
need node

cat >"$work/script.js" <<'END'
const crypto = require('crypto');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { execFileSync } = require('child_process');

const digest = (data) => crypto.createHash('sha256').update(data).digest('hex');
if (!isMainThread) {
	parentPort.postMessage(digest(Buffer.alloc(9000000, workerData)));
} else {
	const all = [];
	for (let i = 0; i < 200; i++)
		all.push(Buffer.alloc(1000000 + i * 7000, i));
	console.log(digest(Buffer.concat(all)));
	const map = new Map();
	for (let i = 0; i < 300000; i++)
		map.set('key' + i, { i, square: i * i });
	console.log(map.get('key777').square, JSON.stringify([...map.values()]).length);
	console.log(execFileSync('/bin/echo', ['child']).toString().trim());
	let left = 3;
	const seen = [];
	for (const text of ['a', 'b', 'c'])
		new Worker(__filename, { workerData: text }).on('message', (sum) => {
			seen.push(sum);
			if (!--left)
				console.log(seen.sort().join(' '));
		});
}
END

app() {
	under node "$work/script.js" >out
	same out "$work/expected" "what node printed"
	served node
}

node "$work/script.js" >"$work/expected" || fail "node fails without the library"
apps_main
