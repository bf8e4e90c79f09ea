"""A line of the table of tools/bench/fp8_losses.sh: a run's last 100 losses next to those of the same program in bf16.

    fp8_losses_table.py FOLDER --head        the two lines above all others
    fp8_losses_table.py FOLDER RUN SECONDS   the line of one run
"""

import pathlib
import re
import sys

from curve_svg import LAST, LINE

COLUMNS = ("run", "losses", "last loss", f"mean of the last {LAST}", "mean difference from bf16", "mean distance",
           "largest distance of all", "s")
SKIPPED = re.compile(r"number of skipped iterations: +(\d+)")
WIDE = dict(again="bf16", fp16="bf16", delayed="bf16", tensorwise="bf16", torch="bf16", torchao="torch")


def losses(folder, run):
    """By iteration; one that was skipped has none."""
    log, table = folder / f"{run}.log", folder / f"{run}.tsv"
    if log.exists():
        return {int(m[1]): float(m[3]) for m in map(LINE.search, log.read_text().splitlines()) if m}
    if table.exists():
        rows = (line.split("\t") for line in table.read_text().splitlines()[1:])
        return {int(row[0]): float(row[1]) for row in rows}
    return {}


def label(folder, run):
    log = folder / f"{run}.log"
    skipped = sum(map(int, SKIPPED.findall(log.read_text()))) if log.exists() else 0
    return f"{run} ({skipped} skipped)" if skipped else run


def cells(folder, run, seconds):
    own = losses(folder, run)
    if not own:
        return [run, "0", "-", "-", "-", "-", "-", seconds]
    last = list(own.values())[-LAST:]
    line = [label(folder, run), str(len(own)), f"{last[-1]:.4f}", f"{sum(last) / len(last):.4f}"]
    wide = losses(folder, WIDE[run]) if run in WIDE else {}
    if not own.keys() <= wide.keys():
        return line + ["-", "-", "-", seconds]
    differences = [loss - wide[iteration] for iteration, loss in own.items()]
    late = differences[-LAST:]
    return line + [f"{sum(late) / len(late):+.4f}", f"{sum(map(abs, late)) / len(late):.4f}",
                   f"{max(map(abs, differences)):.4f}", seconds]


def main():
    folder = pathlib.Path(sys.argv[1])
    if sys.argv[2] == "--head":
        print("| " + " | ".join(COLUMNS) + " |")
        print("|" + " --- |" * len(COLUMNS), flush=True)
    else:
        print("| " + " | ".join(cells(folder, *sys.argv[2:])) + " |", flush=True)


if __name__ == "__main__":
    main()
