"""The table of tools/bench/gpu.sh in Markdown: a line for each peer of a row, ours next to it.

    python3 tools/bench/gpu_table.py FOLDER ROW...
"""

import json
import sys
from pathlib import Path

COLUMNS = ("row", "peer", "tok/s", "peer tok/s", "ratio", "TFLOP/s causal", "peer TFLOP/s", "of matmul rate", "of peak",
           "GiB", "peer GiB", "first iteration s", "peer s", "collections", "taken later")


def read(file):
    return json.loads(file.read_text()) if file.exists() and file.stat().st_size else None


def number(value, form):
    return "-" if value is None else format(value, form)


def of(report, *names):
    for name in names:
        report = None if report is None else report.get(name)
    return report


def line(row, name, ours, peer):
    rate, peer_rate = of(ours, "speed", "tokens_per_second"), of(peer, "tokens_per_second")
    return (
        row,
        name,
        number(rate, ",.0f"),
        number(peer_rate, ",.0f"),
        number(rate / peer_rate if rate and peer_rate else None, ".3f"),
        number(of(ours, "speed", "tflops_causal"), ".1f"),
        number(of(peer, "tflops_causal"), ".1f"),
        number(of(ours, "speed", "mfu_of_matmul"), ".1%"),
        number(of(ours, "speed", "mfu_of_peak"), ".1%"),
        number(of(ours, "memory", "reached_gib"), ".1f"),
        number(of(peer, "tensors_gib"), ".1f"),
        number(of(ours, "seconds_to_first_iteration"), ".1f"),
        number(of(peer, "seconds_to_first_iteration"), ".1f"),
        number(of(ours, "heap", "collections"), "d"),
        number(of(ours, "memory", "taken_after_iteration2_bytes"), "d"),
    )


def main():
    folder = Path(sys.argv[1])
    lines = []
    machines = set()
    for row in sys.argv[2:]:
        ours = read(folder / f"{row}.ours.json")
        names = ["torch", "torch-max-autotune"] if row == "debug" else ["torch"]
        for name in names:
            peer = read(folder / f"{row}.{name}.json")
            lines.append(line(row, "-" if row.startswith("whole") else name, ours, peer))
            machines.update(m for m in (of(peer, "device"), of(peer, "peer")) if m)
        machines.update(m for m in (of(ours, "run", "device"),) if m)
    print(", ".join(sorted(machines)))
    print()
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + " --- |" * len(COLUMNS))
    for cells in lines:
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
