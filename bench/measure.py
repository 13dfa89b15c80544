# SPDX-License-Identifier: MIT
"""measure.py NAME: ask one question of bench/questions.py, write OUT/NAME.json.

Called by run.sh, which has borrowed the pool. Every round runs each side once, the order
turned by one from round to round, so that what changes on the machine meanwhile hits all alike.
"""

import argparse
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time

from questions import BY_HAND, QUESTIONS
from sides import SIDES, Side, side_environment

POOL = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
POOL_PAGE_MIB = 2
MTHP = "/sys/kernel/mm/transparent_hugepage/hugepages-{}kB/enabled"
MTHP_KIB = (1024, 64)
INPUT_BYTES = 20_000_000
TIMEOUT_S = 600


class RunFailed(Exception):
    """A side that could not be measured; the text says why."""


def pool_pages():
    """Pages in the pool of 2 MiB; 0 where there is no such pool."""
    try:
        with open(POOL, encoding="ascii") as pool:
            return int(pool.read())
    except OSError:
        return 0


def set_pool(pages):
    """Set the pool's size; short of memory blocks, the kernel needs a second try."""
    for _ in range(20):
        if pool_pages() == pages:
            return
        with open(POOL, "w", encoding="ascii") as pool:
            pool.write(str(pages))
        time.sleep(0.05)
    raise RunFailed(f"the pool stays at {pool_pages()} pages instead of {pages}")


def has_mthp():
    """Are the switches of multi-size THP there, and ours to turn?"""
    return all(os.access(MTHP.format(kib), os.W_OK) for kib in MTHP_KIB)


def set_mthp(value):
    """Turn them; run.sh has noted what they were."""
    for kib in MTHP_KIB:
        with open(MTHP.format(kib), "w", encoding="ascii") as switch:
            switch.write(value)


@contextlib.contextmanager
def holder_of(command):
    """A program that says what it holds and holds it until its input ends: what it says."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as holder:
        try:
            said = holder.stdout.readline()
            if not said:
                raise RunFailed(holder.stderr.read().strip() or f"{command[0]} ended")
            yield json.loads(said)
        finally:
            holder.stdin.close()


@contextlib.contextmanager
def fragmented(program, arguments):
    """A machine that bench/fragment holds fragmented; what it says of it."""
    if not arguments:
        yield None
        return
    with holder_of([program, *arguments]) as said:
        yield said


def make_input(path):
    """20 MB of this machine's own files, the same for every side."""
    if os.path.exists(path) and os.path.getsize(path) == INPUT_BYTES:
        return
    left = INPUT_BYTES
    with open(path + ".new", "wb") as out:
        for directory in ("/usr/bin", "/usr/lib", "/usr/share"):
            for root, directories, files in os.walk(directory):
                directories.sort()
                for name in sorted(files):
                    left -= append_file(out, os.path.join(root, name), left)
    if left:
        raise RunFailed(f"{path}: {left} bytes short")
    os.rename(path + ".new", path)


def append_file(out, path, limit):
    """Append at most @limit bytes of @path; return how many."""
    if not limit or os.path.islink(path) or not 65536 <= os.path.getsize(path) <= 4194304:
        return 0
    with open(path, "rb") as source:
        return out.write(source.read(limit))


def execute(command, environment):
    """Run @command; return its output, its wall time in ns, and user and system seconds."""
    start_ns = time.monotonic_ns()
    with subprocess.Popen(command, env=environment, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            output, errors = child.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as late:
            child.kill()
            raise RunFailed(f"not done after {TIMEOUT_S} s") from late
        except BaseException:
            child.kill()
            raise
    wall_ns = time.monotonic_ns() - start_ns
    if child.returncode or "cannot be preloaded" in errors:
        said = errors.strip().splitlines()
        raise RunFailed(f"status {child.returncode}: {said[-1] if said else 'silent'}")
    return output, errors, wall_ns


class Asker:
    """Runs one question on any side."""

    def __init__(self, question, options):
        self.question = question
        self.options = options
        self.borrowed_pages = options.pool_mib // POOL_PAGE_MIB
        self.own_pages = max(0, pool_pages() - self.borrowed_pages)  # the machine's
        self.environments = {}
        self.arguments = {}
        self.turn = 0
        self.input = os.path.join(options.out, "input")

    def side(self, name):
        """The side called @name; one by hand runs on libc's allocator."""
        if name in BY_HAND:
            return Side(name, pool="needed" if BY_HAND[name] == "hugetlb" else "any",
                        mthp="mTHP" in name)
        return SIDES[name]

    def obstacle(self, name):
        """Why @name cannot be asked; None if it can. Prepares its environment."""
        side = self.side(name)
        environment, why = side_environment(side, self.options.build)
        if why:
            return why
        if side.pool == "needed" and self.question.pool_mib and not self.borrowed_pages:
            return "no pool of huge pages could be had"
        if side.pool == "none" and self.own_pages:
            return "this machine has a pool of its own"
        if side.mthp and not has_mthp():
            return "this kernel has no multi-size THP (6.8), or its switches are root's"
        self.environments[name] = environment
        return None

    def command(self, name):
        """The command line for @name."""
        words = list(self.question.command)
        if self.question.way == "command":
            return words + ["-c", self.input]
        words[0] = os.path.join(self.options.programs, words[0])
        if name in BY_HAND:
            words[1] = BY_HAND[name]
        if name in self.arguments:
            words[1] = str(self.arguments[name])
        return words

    def run(self, name):
        """One run of @name: a dictionary of its metrics."""
        if self.borrowed_pages:  # run.sh puts the pool back
            set_pool(self.own_pages +
                     (0 if self.side(name).pool == "none" else self.borrowed_pages))
        if self.question.fragment and has_mthp():
            set_mthp("madvise" if self.side(name).mthp else "never")
        measure = getattr(self, "run_" + self.question.way)
        if not self.question.churn or self.side(name).pool != "needed":
            return measure(name)
        order, free_mib, holes_mib = self.question.churn
        hole_mib, seed = holes_mib[self.turn % len(holes_mib)], self.turn + 2
        with holder_of([os.path.join(self.options.programs, "churn"), order, str(free_mib),
                        str(hole_mib), str(seed)]) as pool:
            figures = measure(name)
        return figures | pool | self.compare(figures, pool)

    @staticmethod
    def compare(figures, pool):
        """What the layout is worth for the pool that it came from."""
        compared = {"extents_over_runs": figures["extents"] - pool["free_runs"]}
        if pool["free_runs"] == 1:
            compared["entries_of_one_run"] = figures["entries"]
        return compared

    def run_program(self, name):
        """A program that prints its figures."""
        return json.loads(execute(self.command(name), self.environments[name])[0])

    def run_command(self, name):
        """A program nobody here wrote, timed from outside."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with open(os.devnull, "wb") as sink:
            start_ns = time.monotonic_ns()
            done = subprocess.run(self.command(name), env=self.environments[name], stdout=sink,
                                  stderr=subprocess.PIPE, text=True, timeout=TIMEOUT_S,
                                  check=False)
            wall_ns = time.monotonic_ns() - start_ns
        if done.returncode or "cannot be preloaded" in done.stderr:
            raise RunFailed(f"status {done.returncode}: {done.stderr.strip()}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        user_s, system_s = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        return {"cpu_s": user_s + system_s, "wall_s": wall_ns / 1e9, "system_s": system_s}

    def run_callgrind(self, name):
        """Instructions of one operation: those of 2 N without those of N, by N."""
        words = self.command(name)
        counts = []
        for times in (1, 2):
            command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                       words[0], str(int(words[1]) * times)]
            errors = execute(command, self.environments[name])[1]
            found = re.search(r"Collected : (\d+)", errors)
            if not found:
                raise RunFailed("callgrind gave no count")
            counts.append(int(found.group(1)))
        return {"instructions": (counts[1] - counts[0]) / int(words[1])}

    def run_spawn(self, _):
        """All sides by turns in one program: its lines, by side."""
        libraries = {name: self.environments[name].get("LD_PRELOAD", "-")
                     for name in self.environments}
        output = execute(self.command("") + list(libraries.values()),
                         self.environments["glibc"])[0]
        lines = [json.loads(line) for line in output.splitlines()]
        return {name: next(line for line in lines if line["library"] == library)
                for name, library in libraries.items()}

    def warm(self, name):
        """A run that does not count; learns how much a slow side can do in `limit_s`."""
        question = self.question
        if not question.limit_s:
            self.run(name)
            return
        full = int(question.command[1])
        self.arguments[name] = max(20, full // 10)
        start = time.monotonic()
        self.run(name)
        spent = time.monotonic() - start
        fitting = int(self.arguments[name] * question.limit_s / spent)
        self.arguments[name] = min(full, max(full // 10, fitting))


def ask(question, options):
    """All runs of all sides: {side: {"runs": [...]}} or {"skipped": why}."""
    asker = Asker(question, options)
    sides = {}
    for name in question.sides:
        why = asker.obstacle(name)
        sides[name] = {"skipped": why} if why else {"runs": []}
    if question.way == "command":
        make_input(asker.input)
    if question.way == "callgrind" and not shutil.which("valgrind"):
        raise RunFailed("valgrind is not installed")
    rounds = question.runs or options.runs * question.more_runs
    for turn in range(-question.warm_runs, rounds):
        asker.turn = turn
        names = [name for name in question.sides if "runs" in sides[name]]
        if question.way == "spawn":
            for name, figures in asker.run("glibc").items():
                sides[name]["runs"].append(figures)
            continue
        first = turn % len(names) if names else 0
        for name in names[first:] + names[:first]:
            try:
                if turn < 0:
                    asker.warm(name)
                else:
                    sides[name]["runs"].append(asker.run(name))
            except RunFailed as failure:
                sides[name] = {"skipped": f"failed: {failure}"}
    for name, times in asker.arguments.items():
        if "runs" in sides[name]:
            sides[name]["times"] = times
    return sides


def summarize(side):
    """Median, lowest and highest of every metric of a side, beside its runs."""
    if not side.get("runs"):
        return
    side["median"], side["low"], side["high"] = {}, {}, {}
    for metric, value in side["runs"][0].items():
        if isinstance(value, (int, float)):
            values = [run[metric] for run in side["runs"]]
            side["median"][metric] = statistics.median(values)
            side["low"][metric], side["high"][metric] = min(values), max(values)


def stop(number, _):
    """End through every `finally`: the pool put back, the program that runs ended."""
    sys.exit(128 + number)


def main():
    """Ask and write."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=[question.name for question in QUESTIONS])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--build", required=True, help="where libcontig.so is")
    parser.add_argument("--programs", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--pool-mib", type=int, default=0, help="borrowed by run.sh")
    options = parser.parse_args()
    question = next(one for one in QUESTIONS if one.name == options.name)
    start = time.monotonic()
    load = os.getloadavg()[0]
    fragment = None
    try:
        with fragmented(os.path.join(options.programs, "fragment"), question.fragment) as fragment:
            sides = ask(question, options)
    except RunFailed as failure:
        sides = {name: {"skipped": f"failed: {failure}"} for name in question.sides}
    for side in sides.values():
        summarize(side)
    result = {"question": question.name, "title": question.title, "metric": question.metric,
              "unit": question.unit, "load_before": load,
              "seconds": round(time.monotonic() - start, 1), "sides": sides}
    if fragment:
        result["fragment"] = fragment
    with open(os.path.join(options.out, question.name + ".json"), "w", encoding="ascii") as out:
        json.dump(result, out, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
