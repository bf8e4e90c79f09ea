"""Prints the tables of saves.sh: python saves_table.py OUT MEGABYTES. OUT has the logs, and times of dd and cat in seconds."""

import os
import re
import statistics
import sys

out, gibibytes = sys.argv[1], int(sys.argv[2]) / 1024
times = {name: float(seconds) for name, seconds in map(str.split, open(f"{out}/times"))}


def events(mode):
    """Yields (time, kind, iteration) of the lines that count."""
    for line in open(f"{out}/{mode}.log", errors="replace"):
        time, _, text = line.partition(" ")
        for kind, pattern in (
            ("iteration", r"iteration +(\d+)/"),
            ("begin", r"saving checkpoint at iteration +(\d+)"),
            ("copied", r"scheduled an async checkpoint save at iteration +(\d+)"),
            ("end", r"successfully saved checkpoint from iteration +(\d+)"),
            ("loading", r" loading (?:checkpoint|release)()"),
            ("loaded", r"successfully loaded()"),
        ):
            found = re.search(pattern, text)
            if found:
                yield float(time), kind, int(found[1] or 0)
                break


print("| | iteration, ms | standing still, s | saved after, s | GB/s | iterations meanwhile | host memory, GB |")
print("|---|---|---|---|---|---|---|")
for mode in ("waiting", "async", "once"):
    if not os.path.exists(f"{out}/{mode}.log"):
        continue
    seen = list(events(mode))
    at = {k: {i: t for t, kind, i in seen if kind == k} for k in ("iteration", "begin", "copied", "end")}
    usual = statistics.median(
        at["iteration"][i] - at["iteration"][i - 1] for i in range(8, 20) if i in at["iteration"])
    stands, durations, meanwhile = [], [], []
    for i, begin in sorted(at["begin"].items()):
        end = at["end"][i]
        durations.append(end - begin)
        stands.append(at.get("copied", {}).get(i, end) - begin)
        meanwhile += [at["iteration"][k] - at["iteration"][k - 1] for k in at["iteration"]
                      if k - 2 in at["iteration"] and k > i + 1 and at["iteration"][k] < end]
    slower = f"{statistics.mean(meanwhile) / usual - 1:+.1%} ({len(meanwhile)})" if meanwhile else ""
    rss = int(open(f"{out}/{mode}.log.rss").read()) / 1024
    print(f"| {mode} | {usual * 1000:.0f} | {', '.join(f'{s:.2f}' for s in stands)} | "
          f"{', '.join(f'{d:.1f}' for d in durations)} | {', '.join(f'{gibibytes / d:.2f}' for d in durations)} | "
          f"{slower} | {rss:.1f} |")
wrote = f"; dd wrote at {gibibytes / times['dd']:.2f} GiB/s" if "dd" in times else ""
print(f"\n{gibibytes:.1f} GiB a checkpoint{wrote}.\n")
print("| read from | cat, s | GiB/s | loading, s | GiB/s | × cat |")
print("|---|---|---|---|---|---|")
for state, place in (("cold", "the disk"), ("warm", "the page cache")):
    seen = {kind: t for t, kind, _ in events(f"load-{state}")}
    cat = times[f"cat-{state}"]
    if "loading" in seen and "loaded" in seen:
        took = seen["loaded"] - seen["loading"]
        print(f"| {place} | {cat:.2f} | {gibibytes / cat:.2f} | {took:.2f} | {gibibytes / took:.2f} | {took / cat:.2f} |")
