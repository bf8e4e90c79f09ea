#!/usr/bin/env python3
"""Compares a run's metrics.jsonl, page, report and Prometheus text with the losses of its log; see check_sinks.sh.

    pip install prometheus_client
    python tools/reference/read_page.py DIR      # with first.log, second.log, metrics.jsonl, page.json, report.html, prometheus.txt

Losses of the log are means of 5 iterations with 7 digits. Exits with 1 at the first difference.
"""
import json
import pathlib
import re
import sys

from prometheus_client.parser import text_string_to_metric_families

INTERVAL = 5


def main(folder):
    folder = pathlib.Path(folder)
    log = losses(folder / "second.log")
    resumed = min(log) - INTERVAL
    log = {**{i: v for i, v in losses(folder / "first.log").items() if i <= resumed}, **log}
    rows = [json.loads(line) for line in open(folder / "metrics.jsonl", encoding="utf-8")]
    page = json.load(open(folder / "page.json", encoding="utf-8"))
    report = re.search(r'id="data">(.*?)</script>', (folder / "report.html").read_text(encoding="utf-8"), re.S)[1]
    sources = {
        "metrics.jsonl": {row["iteration"]: row["lm loss"] for row in rows},
        "page /data": column(page),
        "report.html": column(json.loads(report)),
    }
    print(f"killed, and resumed after iteration {resumed}; {len(log)} losses in the log")
    print(f"{'source':<16}{'iterations':>12}{'log losses':>12}{'largest difference':>20}")
    for name, values in sources.items():
        check(name, values, log)
    prometheus(folder / "prometheus.txt", sources["metrics.jsonl"])


def losses(file):
    pattern = re.compile(r" iteration +(\d+)/.* lm loss: (\S+) ")
    return {int(m[1]): float(m[2]) for m in map(pattern.search, open(file, encoding="utf-8")) if m}


def column(data):
    return dict(zip(data["columns"]["iteration"], data["columns"]["lm loss"]))


def check(name, values, log):
    if list(values) != list(range(1, len(values) + 1)):
        sys.exit(f"{name}: the iterations are not 1, 2, 3 ...")
    worst, count = 0, 0
    for last, loss in log.items():
        if last in values:
            mean = sum(values[last - i] for i in range(INTERVAL)) / INTERVAL
            worst, count = max(worst, abs(mean - loss)), count + 1
    print(f"{name:<16}{len(values):>12}{count:>12}{worst:>20.1e}")
    if worst > 1e-5 or count < 0.9 * len(log):
        sys.exit(f"{name}: not the losses of the log")


def prometheus(file, losses_by_iteration):
    text = file.read_text(encoding="utf-8")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    value = lambda name: families[name].samples[0].value
    iteration = int(value("tanuki4j_iteration"))
    if value("tanuki4j_lm_loss") != losses_by_iteration[iteration]:
        sys.exit(f"Prometheus: loss {value('tanuki4j_lm_loss')} at {iteration}")
    print(f"Prometheus text: {len(families)} metrics, lm loss of iteration {iteration} equal")


if __name__ == "__main__":
    main(*sys.argv[1:])
