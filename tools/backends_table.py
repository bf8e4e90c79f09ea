#!/usr/bin/env python3
"""Prints how far the backends are from each other, by what their tests have kept: see backends_table.sh.

    tools/backends_table.py FOLDER...    each with files cpu.txt, nd4j.txt, cuda.txt, reference.txt, or some of them
"""
import math
import re
import sys
from pathlib import Path

BACKENDS = ["cpu", "nd4j", "cuda"]
PAIRS = [("nd4j", "cpu"), ("cuda", "cpu"), ("cuda", "nd4j")]
GOLDEN = ["loss", "norm", "weights", "evaluation"]


def read(folders):
    """Returns for each backend a map from the name of an output to its elements; the first folder with a name counts."""
    outputs = {}
    for folder in folders:
        for file in sorted(Path(folder).glob("*.txt")):
            of = outputs.setdefault(file.stem, {})
            for line in file.read_text().splitlines():
                name, values = line.split("\t")
                of.setdefault(name, [float(value) for value in values.split()])
    return outputs


def relative(a, b):
    """Returns the error of the whole, by squares; infinite if something is not a number in one only."""
    if [math.isnan(x) for x in a] != [math.isnan(x) for x in b]:
        return math.inf
    pairs = [(x, y) for x, y in zip(a, b) if not math.isnan(x) and x != y]
    size = sum(y * y for y in b if not math.isnan(y))
    return math.sqrt(sum((x - y) ** 2 for x, y in pairs) / size) if pairs else 0.0


def text(error):
    return "–" if error is None else "0" if error == 0 else f"{error:.1e}"


def largest(errors):
    return max(errors, default=None)


def kernel_rows(outputs):
    """Returns for each test of kernels the names of its outputs, in fp32 and in narrower types."""
    rows = {}
    for name in dict.fromkeys(name for of in outputs.values() for name in of):
        if re.match(r"[a-z_]+/\[", name):
            test, case = name.split("/")[:2]
            title = re.sub(r"_agrees?$", "", test).replace("_", " ")
            rows.setdefault(title, ([], []))[bool(re.search("F16|F8_", case))].append(name)
    return rows


def difference(outputs, names, a, b):
    both = [name for name in names if name in outputs.get(a, {}) and name in outputs.get(b, {})]
    return largest(relative(outputs[a][name], outputs[b][name]) for name in both)


def model_gradients(outputs, a, b):
    """Returns the largest error of a variant's whole gradient."""
    whole = {}
    for backend in (a, b):
        for name, values in outputs.get(backend, {}).items():
            if name.startswith("model gradients/"):
                whole.setdefault(name.split("/")[1], {}).setdefault(backend, []).extend(values)
    return largest(relative(of[a], of[b]) for of in whole.values() if len(of) == 2)


def golden(outputs, run, what, a, b):
    """Returns the largest difference: of losses as it is, of norms and of each parameter's weights relative."""
    errors = []
    for name, expected in outputs.get(b, {}).items():
        if name.startswith(f"golden run/{run}/{what}") and name in outputs.get(a, {}):
            actual = outputs[a][name]
            if what == "weights":
                errors.append(relative(actual, expected))
            else:
                errors += [abs(x - y) / (y if what == "norm" else 1) for x, y in zip(actual, expected)]
    return largest(errors)


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def head(*cells):
    row(*cells)
    print("|" + "---|" * len(cells))


def print_backends(outputs):
    head("", *BACKENDS)
    count = lambda of, result: sum(name.startswith(f"contract/{result}/") for name in of)
    contract = []
    for backend in BACKENDS:
        of = outputs.get(backend, {})
        numbers = [f"{count(of, result)} {result}" for result in ("passed", "does not apply", "failed") if count(of, result)]
        contract.append(", ".join(numbers) or "–")
    row("tests of the kernel contract", *contract)
    checks = [
        largest(v[0] for name, v in outputs.get(backend, {}).items() if name.startswith("gradient check/"))
        for backend in BACKENDS
    ]
    row("model's gradients in fp64 from central differences, relative", *map(text, checks))
    runs = sorted({"/".join(name.split("/")[1:3]) for name in outputs.get("reference", {})}, key=lambda run: ("BF16" in run, run))
    for run in runs:
        cells = []
        for backend in BACKENDS:
            errors = [golden(outputs, run, what, backend, "reference") for what in GOLDEN]
            cells.append("–" if errors[0] is None else "; ".join(map(text, errors)))
        row(f"{run.replace('/', ', ')}, from the reference: {', '.join(GOLDEN)}", *cells)
    return runs


def print_differences(outputs, runs):
    titles = [f"{a} from {b}" for a, b in PAIRS]
    head("", *(f"{title}, {kind}" for title in titles for kind in ("fp32", "narrower")))
    total = [[] for _ in range(2 * len(PAIRS))]

    def show(title, cells):
        row(title, *map(text, cells))

    for title, kinds in sorted(kernel_rows(outputs).items()):
        cells = [difference(outputs, names, a, b) for a, b in PAIRS for names in kinds]
        for column, cell in zip(total, cells):
            column.append(cell if cell is not None else 0)
        show(title, cells)
    gradients = [model_gradients(outputs, a, b) for a, b in PAIRS]
    show("model's gradients", [cell for error in gradients for cell in (error, None)])
    names = sorted({run.split("/")[0] for run in runs})
    for name in names:
        for what in GOLDEN:
            cells = [golden(outputs, f"{name}/{dtype}", what, a, b) for a, b in PAIRS for dtype in ("F32", "BF16")]
            show(f"{name}: {what}", cells)
    show("largest of an operation", [largest(column) for column in total])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    outputs = read(sys.argv[1:])
    if not outputs:
        sys.exit(f"backends_table: no outputs in {' '.join(sys.argv[1:])} (expected: files like cpu.txt)")
    runs = print_backends(outputs)
    print()
    print_differences(outputs, runs)


main()
