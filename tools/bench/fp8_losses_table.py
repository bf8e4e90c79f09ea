"""A line of the table of tools/bench/fp8_losses.sh: a run's last 100 losses next to those of the same program in bf16.

    fp8_losses_table.py FOLDER --head        the two lines above all others
    fp8_losses_table.py FOLDER RUN SECONDS   the line of one run
"""

import pathlib
import sys

from curve_svg import LAST, LINE

COLUMNS = ("run", "losses", "last loss", f"mean of the last {LAST}", "mean difference from bf16", "mean distance",
           "largest distance of all", "s")
WIDE = dict(again="bf16", delayed="bf16", tensorwise="bf16", torch="bf16", torchao="torch")


def losses(folder, run):
    log, table = folder / f"{run}.log", folder / f"{run}.tsv"
    if log.exists():
        return [float(m[3]) for m in map(LINE.search, log.read_text().splitlines()) if m]
    if table.exists():
        return [float(line.split("\t")[1]) for line in table.read_text().splitlines()[1:]]
    return []


def cells(folder, run, seconds):
    own = losses(folder, run)
    if not own:
        return [run, "0", "-", "-", "-", "-", "-", seconds]
    last = own[-LAST:]
    line = [run, str(len(own)), f"{own[-1]:.4f}", f"{sum(last) / len(last):.4f}"]
    pairs = list(zip(own, losses(folder, WIDE[run]))) if run in WIDE else []
    if len(pairs) < len(own):
        return line + ["-", "-", "-", seconds]
    differences = [a - b for a, b in pairs]
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
