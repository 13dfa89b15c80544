# SPDX-License-Identifier: MIT
"""Judge and show what measure.py wrote.

report.py machine OUT             the machine, for the head of the listing
report.py show OUT NAME           one question: medians, spread, ratios, bars
report.py finish OUT NAME...      results.json, the figures, the bars once more; with --strict
                                  exit 1 if one is missed or could not be measured
"""

import argparse
import json
import os
import platform
import sys

from figure import draw
from questions import QUESTIONS


def read_first(path, key=""):
    """The first line of @path that starts with @key; "unknown" if there is none."""
    try:
        with open(path, encoding="utf-8") as text:
            return next(line.strip() for line in text if line.startswith(key))
    except (OSError, StopIteration):
        return "unknown"


def machine():
    """What the figures depend on."""
    thp = "/sys/kernel/mm/transparent_hugepage/"
    return {
        "cpu": read_first("/proc/cpuinfo", "model name").partition(": ")[2],
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "memory": read_first("/proc/meminfo", "MemTotal").partition(":")[2].strip(),
        "thp": read_first(thp + "enabled"),
        "thp_defrag": read_first(thp + "defrag"),
        "load": os.getloadavg(),
    }


def figure_of(result, side, metric, statistic="median"):
    """@statistic of @metric of @side; None if it was not measured."""
    return result["sides"].get(side, {}).get(statistic, {}).get(metric)


def judge(question, result, bar):
    """The figure that @bar speaks of, the peer it was compared with, and whether it is met."""
    metric = bar.metric or question.metric
    own = figure_of(result, bar.side, metric, bar.statistic)
    rivals = {peer: figure_of(result, peer, metric, bar.statistic) for peer in bar.peers}
    rivals = {peer: value for peer, value in rivals.items() if value is not None}
    if own is None or (bar.peers and not rivals):
        return None, "", None
    peer = min(rivals, key=rivals.get) if rivals else ""
    if bar.kind in ("at most", "at least"):
        value = own
    elif bar.kind == "excess":
        value = (own - rivals[peer]) * question.scale
    else:
        value = rivals[peer] / own if own else float("inf")
    if bar.bound is None:
        return value, peer, None
    return value, peer, {"at most": value <= bar.bound, "excess": value <= bar.bound,
                         "at least": value >= bar.bound,
                         "speed": value >= bar.bound, "faster": value > bar.bound}[bar.kind]


def bar_line(question, result, bar):
    """One line on @bar, and its verdict."""
    value, peer, met = judge(question, result, bar)
    sign = {"at most": "<=", "excess": "<=", "at least": ">=", "speed": ">=",
            "faster": ">"}[bar.kind]
    verdict = {True: "met", False: "missed", None: "shown"}[met]
    if value is None:
        return f"not measured: {bar.side}: {bar.text}", "not measured"
    figure = f"{value:.3f}x" if bar.kind in ("speed", "faster") else f"{value:.3f}"
    against = f" ({peer})" if len(bar.peers) > 1 else ""
    against += {"low": ", lowest of each", "high": ", highest of each"}.get(bar.statistic, "")
    asked = f" (asked: {sign} {bar.bound})" if bar.bound is not None else ""
    return f"{verdict}: {bar.side}: {figure} {bar.text}{against}{asked}", verdict


def show_side(question, name, side, own):
    """One line of the table of a question."""
    if "median" not in side:
        print(f"  {name:20} {side.get('skipped', 'not run')}")
        return
    metric, scale = question.metric, question.scale
    median = side["median"][metric]
    low, high = side["low"][metric] * scale, side["high"][metric] * scale
    ratio = f"{median / own:7.3f}x" if own else ""
    details = " ".join(f"{detail}={side['median'][detail]:g}" for detail in question.details
                       if detail in side["median"])
    if "times" in side and side["times"] != int(question.command[1]):
        details = f"({side['times']} turns) {details}"
    print(f"  {name:20} {median * scale:12.4g}   {low:10.4g} .. {high:<10.4g} "
          f"{len(side['runs']):2} runs {ratio}  {details}".rstrip())


def show(question, result):
    """The table of a question and its bars."""
    own = figure_of(result, question.sides[0], question.metric)
    print(f"\n{question.name}: {question.title} [{question.unit}; median, lowest .. highest; "
          f"ratio to {question.sides[0]}]")
    if "fragment" in result:
        print("  bench/fragment holds {pages} pages ({held_mib:.0f} MiB) pinned by {pinned_by}; "
              "free blocks of 2 MiB: {free_blocks_before} before, {free_blocks} now"
              .format(**result["fragment"]))
    for name in question.sides:
        show_side(question, name, result["sides"][name], own)
    for bar in question.bars:
        print("  " + bar_line(question, result, bar)[0])
    print(f"  took {result['seconds']} s, load before {result['load_before']:.2f}", flush=True)


def load_result(out, name):
    """What measure.py wrote of question @name; None if it did not come so far."""
    try:
        with open(os.path.join(out, name + ".json"), encoding="ascii") as text:
            return json.load(text)
    except FileNotFoundError:
        return None


def finish(out, questions):
    """Write everything, draw everything; return the verdicts."""
    results, verdicts = [], []
    print("\nThe bars:")
    for question in questions:
        result = load_result(out, question.name)
        if result is None:
            continue
        result["bars"] = []
        for bar in question.bars:
            line, verdict = bar_line(question, result, bar)
            value, peer, met = judge(question, result, bar)
            result["bars"].append({"side": bar.side, "what": bar.text,
                                   "statistic": bar.statistic, "value": value,
                                   "peer": peer, "bound": bar.bound, "met": met})
            if bar.bound is not None:
                verdicts.append(verdict)
                print(f"  {question.name}: {line}")
        results.append(result)
        for problem in draw(question, result, out):
            print(f"  {question.name}: {problem}")
    with open(os.path.join(out, "results.json"), "w", encoding="ascii") as text:
        json.dump({"machine": machine(), "questions": results}, text, indent=1)
    print(f"{verdicts.count('met')} met, {verdicts.count('missed')} missed, "
          f"{verdicts.count('not measured')} not measured; {out}/results.json")
    return verdicts


def main():
    """Called by run.sh."""
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=("machine", "show", "finish"))
    parser.add_argument("out")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args()
    questions = [question for question in QUESTIONS if question.name in options.names]
    if options.action == "machine":
        for name, value in machine().items():
            print(f"{name:12}{value}")
    elif options.action == "show":
        for question in questions:
            result = load_result(options.out, question.name)
            if result:
                show(question, result)
    else:
        verdicts = finish(options.out, questions)
        return int(options.strict and any(one != "met" for one in verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
