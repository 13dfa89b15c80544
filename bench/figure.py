# SPDX-License-Identifier: MIT
"""One bar chart a question, by gnuplot, as SVG and PNG."""

import os
import shutil
import subprocess

SCRIPT = """
set output "{out}"
set title "{title}" noenhanced
set ylabel "{unit} (median; lowest to highest)" noenhanced
set style fill solid 0.8 border -1
set boxwidth 0.7
set grid ytics
set key off
set xtics rotate by -35 noenhanced
set xrange [-0.6:{last}]
{scale}
$data << EOD
{rows}
EOD
plot $data using 1:3:6:xtic(2) with boxes linecolor rgb variable, \\
	$data using 1:3:4:5 with yerrorbars linecolor rgb "black" pointsize 0
"""
TERMINALS = {"svg": "set terminal svg size 900,540 dynamic background rgb 'white'",
             "png": "set terminal pngcairo size 900,540"}
OWN, PEER = 0x1f77b4, 0xbbbbbb


def rows_of(question, result):
    """Data lines: index, name, median, lowest, highest, colour; fastest first."""
    metric, scale = question.metric, question.scale
    measured = [(name, side) for name, side in result["sides"].items() if "median" in side]
    measured.sort(key=lambda pair: pair[1]["median"][metric])
    return [(index, name, side["median"][metric] * scale, side["low"][metric] * scale,
             side["high"][metric] * scale, OWN if name.startswith("contig") else PEER)
            for index, (name, side) in enumerate(measured)]


def scale_of(rows):
    """Logarithmic where the small ones would not be seen."""
    values = [row[2] for row in rows]
    if min(values) > 0 and max(values) > 20 * min(values):
        return "set logscale y\nset yrange [%g:]" % (min(values) / 2)
    return "set yrange [0:]"


def draw(question, result, out):
    """Write OUT/NAME.svg and .png; return what went wrong, line by line."""
    rows = rows_of(question, result)
    if not rows:
        return ["no figure: nothing was measured"]
    if not shutil.which("gnuplot"):
        return ["no figure: gnuplot is not installed"]
    problems = []
    for suffix, terminal in TERMINALS.items():
        script = terminal + SCRIPT.format(
            out=os.path.join(out, f"{question.name}.{suffix}"), title=question.title,
            unit=question.unit, last=len(rows) - 0.4, scale=scale_of(rows),
            rows="\n".join('%d "%s" %g %g %g %d' % row for row in rows))
        done = subprocess.run(["gnuplot"], input=script, text=True, capture_output=True,
                              check=False)
        if done.returncode:
            problems.append(f"no {suffix}: {done.stderr.strip()}")
    return problems
