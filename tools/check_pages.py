#!/usr/bin/env python3
"""Checks the pages: every link leads somewhere, and every command runs.

  tools/check_pages.py            links of all pages, and marks of all commands
  tools/check_pages.py --run      runs the commands, too, in a copy of the working tree with target/ (about three minutes)

A block of commands is indented by four spaces and has a line that begins with scripts/, tools/, mvn, or a variable in front of
one of them. The line before it is <!-- run --> or <!-- not run: REASON -->. Links to other hosts are not followed.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "src/site/markdown").rglob("*.md"), *ROOT.glob("training_corpus/*.md"), *ROOT.glob("tokenizer/*.md")]
)
COMMAND = re.compile(r"([A-Z_0-9]+=\S+ )*(scripts|tools)/\S+|mvn ")
MARK = re.compile(r"<!-- (run|not run: .+) -->")
FIRST = "src/site/markdown/quickstart.md"  # makes the token files that others read
SELF = {"CHANGELOG.md", "log.md"}  # they tell what was run


def name(page):
    return str(page.relative_to(ROOT))


def anchor(heading):
    text = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def broken_links(page):
    text = re.sub(r"`[^`\n]*`", "", page.read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, part = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"{name(page)}: {link}: there is no such file"
        elif part and part not in {anchor(h) for h in re.findall(r"^#+ (.*)$", file.read_text(), re.M)}:
            yield f"{name(page)}: {link}: there is no such heading"


def blocks(page):
    """Returns the command blocks of a page: (line, mark, commands)."""
    lines = page.read_text().splitlines()
    mark, i = None, 0
    while i < len(lines):
        line = lines[i]
        if found := MARK.fullmatch(line):
            mark = found.group(1)
        elif line.startswith("    ") and not (lines[i - 1].strip() and not lines[i - 1].startswith("    ")):
            begin = i
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                i += 1
            commands = [text[4:] for text in lines[begin:i] if text.strip()]
            if any(COMMAND.match(text) for text in commands):
                yield begin + 1, mark, "\n".join(commands)
            mark = None
            continue
        elif line.strip() and not line.startswith("<!--"):
            mark = None
        i += 1


def run(page, line, commands, folder):
    started = time.monotonic()
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=folder, capture_output=True, text=True)
    print(f"{name(page)}:{line}: {'ok' if done.returncode == 0 else 'FAILED'}, {time.monotonic() - started:.0f} s", flush=True)
    if done.returncode:
        print("\n".join((done.stdout + done.stderr).splitlines()[-8:]))
    return done.returncode == 0


def copy():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pages-"))
    files = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for file in filter(None, files.stdout.split("\0")):
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)
    (folder / "target").mkdir()
    for built in ("tanuki4j.jar", "lib"):
        (folder / "target" / built).symlink_to(ROOT / "target" / built)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="store_true")
    parser.add_argument("pages", nargs="*", type=pathlib.Path, help="only these")
    arguments = parser.parse_args()
    pages = [page.resolve() for page in arguments.pages] or PAGES
    problems = [problem for page in pages for problem in broken_links(page)]
    todo, skipped = [], 0
    for page in sorted(pages, key=lambda page: name(page) != FIRST):
        if page.name in SELF:
            continue
        for line, mark, commands in blocks(page):
            if mark is None:
                problems.append(f"{name(page)}:{line}: no mark (expected: <!-- run --> or <!-- not run: REASON -->)")
            elif mark == "run":
                todo.append((page, line, commands))
            else:
                skipped += 1
    print("\n".join(problems) if problems else f"{len(pages)} pages, all links lead somewhere")
    print(f"{len(todo)} blocks of commands run, {skipped} do not, with a reason")
    if arguments.run and not problems:
        folder = copy()
        try:
            problems = [f"{page}:{line}" for page, line, commands in todo if not run(page, line, commands, folder)]
        finally:
            shutil.rmtree(folder)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
