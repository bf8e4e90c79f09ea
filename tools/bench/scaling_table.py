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
COLUMNS = ("row", "GPUs", "tok/s per GPU", "TFLOP/s per GPU", "efficiency", "planned stages at work", "exposed communication ms",
           "GiB of a rank", "farthest from plan", "largest difference of losses", "PyTorch tok/s per GPU")
ITERATION = re.compile(
    r"iteration +(\d+)/ *\d+ .*elapsed time per iteration \(ms\): ([\d.]+)"
    r".*throughput per GPU \(TFLOP/s/GPU\): ([\d.]+).*lm loss: ([\d.E+-]+)")
MEMORY = re.compile(r"\[Rank (\d+)\].*memory \(MB\).*max allocated: ([\d.]+)")
WAITS = re.compile(r"stages wait ([\d.]+) %")
PLANNED = re.compile(r"of stage \d+(?: +[\d.]+){6} +([\d.]+)$", re.MULTILINE)
EXPOSED = re.compile(r"exposed-communication \.*: \(([\d.]+), ([\d.]+)\)")


class Run:
    def __init__(self, log):
        text = log.read_text(errors="replace") if log.exists() else ""
        lines = [match.groups() for match in ITERATION.finditer(text)]
        self.losses = {int(i): float(loss) for i, _, _, loss in lines}
        late = [(float(ms), float(rate)) for i, ms, rate, _ in lines if int(i) > 2]
        self.millis = statistics.median(ms for ms, _ in late) if late else None
        self.teraflops = statistics.median(rate for _, rate in late) if late else None
        self.memory = {int(rank): float(mb) / 1024 for rank, mb in MEMORY.findall(text)}
        exposed = [float(most) for _, most in EXPOSED.findall(text)][2:]
        self.exposed_millis = statistics.median(exposed) if exposed else None

    def distance(self, other):
        common = self.losses.keys() & other.losses.keys()
        return max((abs(self.losses[i] - other.losses[i]) for i in common), default=None)


class Plan:
    def __init__(self, file):
        text = file.read_text() if file.exists() else ""
        waits = WAITS.search(text)
        self.work = 1 - float(waits.group(1)) / 100 if waits else None
        self.stages = [float(gib) for gib in PLANNED.findall(text)]

    def distance(self, memory, ranks_of_stage):
        """Of the GiB that ranks held, as a share; stages are the slowest axis of the ranks."""
        if not self.stages:
            return None
        return max((held / self.stages[rank // ranks_of_stage] - 1 for rank, held in memory.items()), key=abs, default=None)


def show(value, form):
    return "-" if value is None else format(value, form)


def main():
    folder = Path(sys.argv[1])
    wrong = []
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + " --- |" * len(COLUMNS))
    for row in sys.argv[2:]:
        ranks, stages, length, batch, one = (folder / f"{row}.row").read_text().split()
        run, alone, plan = Run(folder / f"{row}.log"), Run(folder / f"{one}.log"), Plan(folder / f"{row}.plan")
        tokens = int(length) * int(batch)
        rate = tokens / run.millis * 1e3 / int(ranks) if run.millis else None
        rate_alone = tokens / alone.millis * 1e3 if alone.millis else None
        distance = run.distance(alone)
        if not run.losses or (one != "none" and (distance is None or distance > LIMIT)):
            wrong.append(row)
        peer = folder / f"{row}.torch.json"
        peer_rate = None
        if peer.exists() and peer.stat().st_size:
            peer_rate = json.loads(peer.read_text())["tokens_per_second"] / int(ranks)
        cells = (row, ranks, show(rate, ",.0f"), show(run.teraflops, ".1f"),
                 show(rate / rate_alone if rate and rate_alone else None, ".1%"), show(plan.work, ".1%"),
                 show(run.exposed_millis, ".1f"), show(max(run.memory.values(), default=None), ".2f"),
                 show(plan.distance(run.memory, int(ranks) // int(stages)), "+.1%"), show(distance, ".1e"), show(peer_rate, ",.0f"))
        print("| " + " | ".join(cells) + " |")
    if wrong:
        sys.exit("losses differ from those of one rank, or are missing: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
