# SPDX-License-Identifier: MIT
"""compdb.py DIRECTORY: the compiler lines of `make --dry-run` as a compilation database."""
import json
import shlex
import sys

entries = []
for line in sys.stdin:
    try:
        words = shlex.split(line)
    except ValueError:
        continue
    sources = [word for word in words if word.endswith(".c")]
    if "-c" in words and len(sources) == 1:
        entries.append({"directory": sys.argv[1], "file": sources[0], "arguments": words})
json.dump(entries, sys.stdout, indent=1)
