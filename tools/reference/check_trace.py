#!/usr/bin/env python3
"""Checks traces of pretrain --profile: the events of each track nest, and Perfetto's trace processor reads them all.

    pip install perfetto      # optional; it downloads its program trace_processor_shell at the first use
    python tools/reference/check_trace.py SAVE_DIR/profile/trace-rank*.json

Prints what each track holds. Exits with 1 at the first mistake.
"""
import json
import sys
from collections import Counter, defaultdict


def main(files):
    for file in files:
        trace = json.load(open(file, encoding="utf-8"))["traceEvents"]
        names = {(e["pid"], e["tid"]): e["args"]["name"] for e in trace if e["ph"] == "M" and e["name"] == "thread_name"}
        tracks = defaultdict(list)
        for event in trace:
            if event["ph"] == "X":
                tracks[event["pid"], event["tid"]].append(event)
        print(file)
        for track, events in sorted(tracks.items()):
            nest(events)
            kinds = Counter(event["cat"] for event in events)
            busy = sum(e["dur"] for e in events if e["tid"] == 2)
            print(f"  rank {track[0]} {names[track]}: {len(events)} events, {dict(kinds)}"
                  + (f", {busy / 1e3:.1f} ms" if busy else ""))
        inside(tracks)
        perfetto(file, sum(map(len, tracks.values())))


def nest(events):
    """Of two events, one is inside the other or they do not overlap."""
    ends = []
    for event in sorted(events, key=lambda e: (e["ts"], -e["dur"])):
        start, end = event["ts"], event["ts"] + event["dur"]
        while ends and ends[-1] <= start + 1e-3:
            ends.pop()
        if ends and end > ends[-1] + 1e-3:
            sys.exit(f"{event} ends {end - ends[-1]} us after the one around it")
        if event["dur"] < 0:
            sys.exit(f"{event} ends before it begins")
        ends.append(end)


def inside(tracks):
    """The device works while the trace's iterations last, and the last one may still be running on a GPU."""
    host = [e for events in tracks.values() for e in events if e["name"].startswith("iteration ")]
    device = [e for events in tracks.values() for e in events if e["tid"] == 2]
    first = min(e["ts"] for e in host)
    early = [e for e in device if e["ts"] < first - 1e3]
    if not device or early:
        sys.exit(f"{len(early)} of {len(device)} calls of the device are before the first iteration")


def perfetto(file, expected):
    try:
        from perfetto.trace_processor import TraceProcessor
    except ImportError:
        print("  perfetto is not installed: not opened there")
        return
    try:
        processor = TraceProcessor(trace=file)
    except Exception as problem:  # no network for its program
        print("  perfetto did not start:", str(problem).splitlines()[0])
        return
    got = next(iter(processor.query("select count(*) as n from slice"))).n
    errors = next(iter(processor.query("select sum(value) as n from stats where severity = 'error'"))).n
    processor.close()
    if got != expected or errors:
        sys.exit(f"perfetto read {got} slices with {errors} errors (expected: {expected}, 0)")
    print(f"  perfetto: {got} slices")


if __name__ == "__main__":
    main(sys.argv[1:])
