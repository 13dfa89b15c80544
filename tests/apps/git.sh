#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# git: clone, fsck, gc and archive of a repository made here, with and without the library.

. "$(dirname "$0")/lib.sh"
need git

export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_AUTHOR_DATE='1700000000 +0000'
export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE

make_repository() {
	local i

	git init -q -b main origin && cd origin || return 1
	cp -rL /usr/include/linux/netfilter* /usr/include/asm-generic .
	seq 1 300000 >large
	git add . && git commit -q -m first || return 1
	for i in 1 2 3; do
		seq "$i" "$i" 350000 >large
		grep -rl int asm-generic netfilter | sort | head -n $((i * 20)) | xargs sed -i "1i /* $i */"
		git commit -q -a -m "change $i" || return 1
	done
}

app() {
	under git clone -q --no-local "$work/origin" clone
	under git -C clone fsck --full --strict --no-progress
	under git -C clone gc -q
	under git -C clone fsck --full --no-progress
	git -C clone fsck --full --no-progress
	git -C clone rev-list --objects --all | sort >objects
	same objects "$work/objects" "the list of objects"
	under git -C clone archive HEAD >tar
	same tar "$work/tar" "git archive"
	under git -C clone log --stat -p >log
	same log "$work/log" "git log"
	served git "$(pool_of_backing)"
}

(cd "$work" && make_repository) || fail "git fails without the library"
git -C "$work/origin" rev-list --objects --all | sort >"$work/objects"
git -C "$work/origin" archive HEAD >"$work/tar"
git -C "$work/origin" log --stat -p >"$work/log"
apps_main
