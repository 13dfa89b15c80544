#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tmux: a server of its own, a window with a shell, its contents read back.

. "$(dirname "$0")/lib.sh"
need tmux

app() {
	local pid

	export TMUX_TMPDIR=$PWD TERM=screen SHELL=/bin/sh
	under tmux -f /dev/null -L contig new-session -d -x 100 -y 30 'sh -i'
	pid=$(tmux -L contig display-message -p '#{pid}')
	mapped_in "$pid" || fail "the library is not in tmux's server"
	tmux -L contig set-option -g history-limit 100000
	tmux -L contig new-window 'seq 1 60000; echo all; exec sh -i'
	wait_for 20 sh -c 'tmux -L contig capture-pane -p | grep -qx all' || fail "seq does not end"
	tmux -L contig capture-pane -p -S - -E - | grep -xE '[0-9]+' >lines
	seq 1 60000 >wanted
	same lines wanted "the window's history"
	tmux -L contig split-window 'sh -i'
	tmux -L contig send-keys 'echo $((6 * 7)) answer' Enter
	wait_for 10 sh -c 'tmux -L contig capture-pane -p | grep -q "42 answer"' ||
		fail "the shell in the window does not answer"
	tmux -L contig kill-server
	wait_for 10 test ! -e "/proc/$pid" || fail "the server does not end"
	served tmux
}

apps_main
