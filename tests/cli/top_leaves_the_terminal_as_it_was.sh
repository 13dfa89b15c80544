#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# contig top on a terminal: drawn in its place, no wider and no longer than the terminal, anew when
# that changes; whichever way it ends, the terminal is as it was.
. "$(dirname "$0")/common.bash"

stub "$work/libcontig.so"
start "$work/libcontig.so"
# shellcheck disable=SC2016 # python's
/usr/bin/python3 - "$contig" "$pid" <<'END' || fail "see above"
import fcntl, os, re, select, signal, struct, sys, termios, time

contig, served = sys.argv[1], sys.argv[2]
ON, OFF = b"\033[?1049h", b"\033[?1049l"

def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

class Top:
    def __init__(self, *args, rows=24, columns=200, term="xterm"):
        # The terminal is kept open here too, so that its modes can be seen afterwards.
        self.master, self.slave = os.openpty()
        resize(self.master, rows, columns)
        self.modes = termios.tcgetattr(self.slave)
        self.seen = b""
        self.pid = os.fork()
        if not self.pid:
            self.login()
            os.environ["TERM"] = term
            os.execv(contig, [contig, "top", *args])

    def login(self):
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        for fd in 0, 1, 2:
            os.dup2(self.slave, fd)

    def read(self, until, seconds=10):
        end = time.monotonic() + seconds
        while not until(self.seen) and time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 65536)
        assert until(self.seen), self.seen

    def shown(self):
        self.read(lambda seen: served.encode() in seen)

    def ended(self, how, times=1):
        self.read(lambda seen: seen.count(OFF) == times)
        status = os.waitpid(self.pid, 0)[1]
        assert how(status), status
        assert termios.tcgetattr(self.slave) == self.modes, "modes are not as they were"
        assert self.seen.count(ON) == self.seen.count(OFF), self.seen
        assert self.seen.rstrip().endswith(OFF), self.seen[-80:]
        os.close(self.master)
        os.close(self.slave)

def done(status):
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0

def by(number):
    return lambda status: os.WIFSIGNALED(status) and os.WTERMSIG(status) == number

def lines_of(seen):
    last = seen.split(b"\033[H")[-1].split(b"\033[J")[0]
    return [re.sub(rb"\033\[[?0-9]*[A-Za-z]|\r", b"", line) for line in last.split(b"\n")]

top = Top("--interval", "0.1")
top.shown()
modes = termios.tcgetattr(top.slave)
assert not modes[3] & (termios.ICANON | termios.ECHO), "keys do not come at once"
os.write(top.master, b"xq")
top.ended(done)

# By its own, by keys that are signals, and by signals.
top = Top("--interval", "0.1", "--count", "3")
top.ended(done)
for key, number in (b"\3", signal.SIGINT), (b"\34", signal.SIGQUIT):
    top = Top("--interval", "60")
    top.shown()
    os.write(top.master, key)
    top.ended(by(number))
for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
    top = Top("--interval", "60")
    top.shown()
    os.kill(top.pid, number)
    top.ended(by(number))

# A small terminal, and one that grows: drawn at once, not at the next look.
top = Top("--interval", "60", rows=2, columns=20)
top.read(lambda seen: b"\033[J" in seen)
assert len(lines_of(top.seen)) == 2, top.seen
assert all(len(line) <= 20 for line in lines_of(top.seen)), top.seen
resize(top.master, 24, 100)
top.shown()
assert any(len(line) == 100 for line in lines_of(top.seen)), lines_of(top.seen)
assert not any(len(line) > 100 for line in lines_of(top.seen)), lines_of(top.seen)
os.write(top.master, b"q")
top.ended(done)

# Ctrl-Z: nobody could let it go on here (no shell), so it gives the terminal back and goes on.
top = Top("--interval", "60")
top.shown()
os.write(top.master, b"\x1a")
top.read(lambda seen: seen.count(ON) == 2 and OFF in seen)
assert os.waitpid(top.pid, os.WNOHANG | os.WUNTRACED) == (0, 0)
os.write(top.master, b"q")
top.ended(done, 2)

# A terminal that cannot: plain.
top = Top("--once", term="dumb")
top.read(lambda seen: served.encode() in seen)
assert b"\033" not in top.seen, top.seen
assert done(os.waitpid(top.pid, 0)[1])
END
