"""The table of tools/bench/scaling.sh in Markdown, from the logs of its runs.

    python3 tools/bench/scaling_table.py FOLDER ROW...

Exit code 1 if a row's losses are not those of one rank: bf16 rounds sums over ranks at other places, so a loss may differ
by LIMIT.
"""

import json
import re
import statistics
import sys
from pathlib import Path

LIMIT = 0.02
COLUMNS = ("row", "GPUs", "tok/s per GPU", "TFLOP/s per GPU", "efficiency", "exposed communication ms", "GiB of a rank",
           "largest difference of losses", "FSDP2 tok/s per GPU")
ITERATION = re.compile(
    r"iteration +(\d+)/ *\d+ .*elapsed time per iteration \(ms\): ([\d.]+)"
    r".*throughput per GPU \(TFLOP/s/GPU\): ([\d.]+).*lm loss: ([\d.E+-]+)")
MEMORY = re.compile(r"\[Rank (\d+)\].*memory \(MB\).*max allocated: ([\d.]+)")
EXPOSED = re.compile(r"exposed-communication \.*: \(([\d.]+), ([\d.]+)\)")


class Run:
    def __init__(self, log):
        text = log.read_text(errors="replace") if log.exists() else ""
        lines = [match.groups() for match in ITERATION.finditer(text)]
        self.losses = {int(i): float(loss) for i, _, _, loss in lines}
        late = [(float(ms), float(rate)) for i, ms, rate, _ in lines if int(i) > 2]
        self.millis = statistics.median(ms for ms, _ in late) if late else None
        self.teraflops = statistics.median(rate for _, rate in late) if late else None
        self.memory = max((float(mb) / 1024 for _, mb in MEMORY.findall(text)), default=None)
        exposed = [float(most) for _, most in EXPOSED.findall(text)][2:]
        self.exposed_millis = statistics.median(exposed) if exposed else None

    def distance(self, other):
        common = self.losses.keys() & other.losses.keys()
        return max((abs(self.losses[i] - other.losses[i]) for i in common), default=None)


def show(value, form):
    return "-" if value is None else format(value, form)


def main():
    folder = Path(sys.argv[1])
    wrong = []
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + " --- |" * len(COLUMNS))
    for row in sys.argv[2:]:
        _, ranks, length, batch, one = (folder / f"{row}.row").read_text().split()
        run, alone = Run(folder / f"{row}.log"), Run(folder / f"{one}.log")
        tokens = int(length) * int(batch)
        rate = tokens / run.millis * 1e3 / int(ranks) if run.millis else None
        rate_alone = tokens / alone.millis * 1e3 if alone.millis else None
        distance = run.distance(alone)
        whole = row.startswith("whole")
        if not run.losses or (not whole and (distance is None or distance > LIMIT)):
            wrong.append(row)
        peer = folder / f"{row}.torch.json"
        peer_rate = None
        if peer.exists() and peer.stat().st_size:
            peer_rate = json.loads(peer.read_text())["tokens_per_second"] / int(ranks)
        cells = (row, ranks, show(rate, ",.0f"), show(run.teraflops, ".1f"),
                 show(rate / rate_alone if rate and rate_alone else None, ".1%"), show(Run(folder / f"{row}.waits.log").exposed_millis, ".1f"),
                 show(run.memory, ".2f"), show(distance, ".1e"), show(peer_rate, ",.0f"))
        print("| " + " | ".join(cells) + " |")
    if wrong:
        sys.exit("losses differ from those of one rank, or are missing: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
