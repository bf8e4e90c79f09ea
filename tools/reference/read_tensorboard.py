#!/usr/bin/env python3
"""Reads a folder of event files with TensorBoard's own reader and compares it with metrics.jsonl.

    pip install tensorboard
    python tools/reference/read_tensorboard.py TENSORBOARD_DIR SAVE_DIR/metrics.jsonl

Every iteration of metrics.jsonl must have one point of each curve with its value in fp32, over iterations and over samples
(of two evaluations after one iteration the last counts). Exits with 1 at the first difference.
"""
import json
import sys

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

CURVES = ["lm loss", "learning-rate", "grad-norm", "batch-size", "lm loss validation"]


def main(folder, metrics):
    reader = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
    reader.Reload()
    rows = [json.loads(line) for line in open(metrics, encoding="utf-8")]
    print("tags:", *reader.Tags()["scalars"], sep="\n  ")
    texts = [tag for tag in reader.Tags()["tensors"] if tag.endswith("/text_summary")]
    print(len(texts), "texts, for example seq_length =", text(reader, "seq_length/text_summary"))
    for tag in CURVES:
        expected = [(row["iteration"], row[tag]) for row in rows if tag in row]
        if not expected:
            continue
        samples = [row["consumed-samples"] for row in rows if tag in row]
        compare(tag, reader.Scalars(tag), expected)
        compare(tag + " vs samples", reader.Scalars(tag + " vs samples"), list(zip(samples, (v for _, v in expected))))
    print("equal")


def text(reader, tag):
    return reader.Tensors(tag)[-1].tensor_proto.string_val[0].decode()


def compare(tag, points, expected):
    if len(points) != len({point.step for point in points}) and "validation" not in tag:
        sys.exit(f"{tag}: double points")
    got = list({point.step: np.float32(point.value) for point in points}.items())
    want = [(step, np.float32(value)) for step, value in expected]
    if got != want:
        sys.exit(f"{tag}: {len(got)} points {got[:3]} ... (expected: {len(want)} points {want[:3]} ...)")
    print(f"{tag}: {len(got)} points, steps {got[0][0]} to {got[-1][0]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
