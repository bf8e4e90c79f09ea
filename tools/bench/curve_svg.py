"""Compares the two loss curves of tools/bench/curve.sh and draws them.

    curve_svg.py LOG TSV PICTURE TITLE    LOG: of tanuki4j pretrain; TSV: of torch_curve.py; PICTURE: an SVG file

Writes both losses next to the picture as .tsv. Exit code 1 if the mean difference over the last 100 is 0.02 or more.
"""

import pathlib
import re
import sys

LIMIT, LAST = 0.02, 100
WIDTH, HEIGHT, LEFT, RIGHT, TOP, MIDDLE, BOTTOM = 860, 520, 64, 20, 56, 370, 470
OURS, THEIRS, INK, GRID = "#e8862e", "#1f4e8c", "#222222", "#dddddd"
LINE = re.compile(r"iteration +(\d+)/.*learning rate: ([0-9.E+-]+).*lm loss: ([0-9.E+-]+)")


def read(log, tsv):
    """Rows of iteration, our loss, PyTorch's loss, and the largest difference of the learning rates."""
    ours = {int(m[1]): (float(m[3]), float(m[2])) for m in map(LINE.search, log.read_text().splitlines()) if m}
    theirs = {}
    for line in tsv.read_text().splitlines()[1:]:
        iteration, loss, rate, _ = line.split("\t")
        theirs[int(iteration)] = (float(loss), float(rate))
    if not ours or ours.keys() != theirs.keys():
        sys.exit(f"curve_svg: {log} has {len(ours)} iterations with a loss, {tsv} {len(theirs)}; both need the same.")
    # The log has the rate of the next iteration, as Megatron's has.
    rates = max((abs(ours[i][1] - theirs[i + 1][1]) for i in ours if i + 1 in theirs), default=0.0)
    return [(i, ours[i][0], theirs[i][0]) for i in sorted(ours)], rates


def text(x, y, content, anchor="middle", size=13):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{INK}">{content}</text>'


def line(x1, y1, x2, y2, colour=GRID, width=1.0):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def curve(points, colour, width):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'


def svg(rows, title, note):
    end = rows[-1][0]
    high = max(max(a, b) for _, a, b in rows)
    low = min(min(a, b) for _, a, b in rows)
    low, high = int(low), int(high) + 1
    spread = max(LIMIT, max(abs(a - b) for _, a, b in rows)) * 1.1

    def x(iteration):
        return LEFT + (WIDTH - LEFT - RIGHT) * iteration / end

    def y(loss):
        return TOP + (MIDDLE - TOP) * (high - loss) / (high - low)

    def below(difference):
        return BOTTOM - (BOTTOM - MIDDLE - 24) * difference / spread

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">']
    out.append(f"<title>{title}. {note}</title>")
    out.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    out += [text(LEFT, 24, title, "start", 16), text(LEFT, 44, note, "start")]
    for loss in range(low, high + 1):
        out += [line(LEFT, y(loss), WIDTH - RIGHT, y(loss)), text(LEFT - 8, y(loss) + 4, loss, "end")]
    for part in range(7):
        at = round(end * part / 6)
        out.append(text(x(at), BOTTOM + 18, at))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "iteration"))
    out += [line(LEFT, BOTTOM, WIDTH - RIGHT, BOTTOM, INK), text(LEFT - 8, BOTTOM + 4, "0", "end")]
    out += [line(LEFT, below(LIMIT), WIDTH - RIGHT, below(LIMIT)), text(LEFT - 8, below(LIMIT) + 4, LIMIT, "end")]
    out.append(curve([(x(i), y(a)) for i, a, _ in rows], OURS, 5))
    out.append(curve([(x(i), y(b)) for i, _, b in rows], THEIRS, 1.5))
    out.append(curve([(x(i), below(abs(a - b))) for i, a, b in rows], INK, 1))
    for row, (colour, width, name) in enumerate(
        [(OURS, 5, "Tanuki4J"), (THEIRS, 1.5, "PyTorch"), (INK, 1, "difference, below")]
    ):
        at = TOP + 20 + 22 * row
        out += [line(WIDTH - 200, at, WIDTH - 160, at, colour, width), text(WIDTH - 150, at + 4, name, "start")]
    return "\n".join(out + ["</svg>\n"])


def main():
    log, tsv, picture = map(pathlib.Path, sys.argv[1:4])
    rows, rates = read(log, tsv)
    last = [abs(a - b) for _, a, b in rows[-LAST:]]
    mean, largest, overall = sum(last) / len(last), max(last), max(abs(a - b) for _, a, b in rows)
    note = f"last {len(last)} losses: mean difference {mean:.2e}, largest {largest:.2e}"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(svg(rows, sys.argv[4], note))
    table = ["iteration\ttanuki4j\tpytorch"] + [f"{i}\t{a:.6f}\t{b:.6f}" for i, a, b in rows]
    picture.with_suffix(".tsv").write_text("\n".join(table) + "\n")
    print(f"final loss {rows[-1][1]:.6f}, PyTorch {rows[-1][2]:.6f}")
    print(f"{note} (limit of the mean {LIMIT}); largest of all {len(rows)}: {overall:.2e}")
    print(f"largest difference of the learning rates: {rates:.1e}")
    sys.exit(0 if mean < LIMIT else 1)


if __name__ == "__main__":
    main()
