# SPDX-License-Identifier: MIT
"""served.py DIRECTORY PROGRAM [POOL]: does a report there say that the library served it?"""
import fnmatch
import json
import os
import sys

directory, program = sys.argv[1:3]
pool = sys.argv[3] if len(sys.argv) > 3 else None
seen = []
for name in sorted(os.listdir(directory)):
    if not fnmatch.fnmatch(name.rsplit(".", 2)[0], program):
        continue
    with open(os.path.join(directory, name), encoding="utf-8") as file:
        report = json.load(file)
    pools = {one["name"]: one["allocations"] for one in report["pools"]}
    seen.append((name, report["serving"], pools))
    if report["serving"] and (pool is None or any(
            count for key, count in pools.items() if fnmatch.fnmatch(key, pool))):
        sys.exit(0)
print(f"{program}: no report says so; seen: {seen or sorted(os.listdir(directory))}",
      file=sys.stderr)
sys.exit(1)
