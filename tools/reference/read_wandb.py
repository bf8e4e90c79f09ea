#!/usr/bin/env python3
"""Reads a run's .wandb file with W&B's own reader and schema and compares it with metrics.jsonl.

    pip install wandb==0.19.11   # the reader of later versions is a program in Go
    python tools/reference/read_wandb.py SAVE_DIR/wandb/wandb/offline-run-*/run-*.wandb SAVE_DIR/metrics.jsonl

Every iteration of metrics.jsonl must be one step of the history, with the same numbers; no field may be unknown to the
schema. Exits with 1 at the first difference.
"""
import json
import math
import sys
from collections import Counter

from wandb.proto import wandb_internal_pb2 as pb
from wandb.sdk.internal.datastore import DataStore


def main(log, metrics):
    records = list(read(log))
    print(Counter(record.WhichOneof("record_type") for record in records))
    if [record.num for record in records] != list(range(1, len(records) + 1)):
        sys.exit("the records are not numbered 1, 2, 3 ...")
    run = next(record.run for record in records if record.WhichOneof("record_type") == "run")
    print("run", run.run_id, "project", run.project, "name", run.display_name, "settings", len(run.config.update))
    history = [items(record.history.item) for record in records if record.WhichOneof("record_type") == "history"]
    rows = [json.loads(line) for line in open(metrics, encoding="utf-8")]
    if [row["_step"] for row in history] != [row["iteration"] for row in rows]:
        sys.exit("the steps are not the iterations")
    for got, want in zip(history, rows):
        for key, value in want.items():
            if key != "iteration" and not isinstance(value, list) and not same(got[key], value):
                sys.exit(f"step {want['iteration']}: {key} is {got[key]} (expected: {value})")
    print(f"{len(history)} steps equal, last lm loss {history[-1]['lm loss']}")


def read(log):
    store = DataStore()
    store.open_for_scan(log)
    while True:
        data = store.scan_data()
        if data is None:
            return
        record = pb.Record()
        record.ParseFromString(data)
        if record.SerializeToString(deterministic=True) and unknown(record):
            sys.exit(f"record {record.num} has unknown fields")
        yield record


def unknown(message):
    copy = type(message)()
    copy.CopyFrom(message)
    copy.DiscardUnknownFields()
    return copy.ByteSize() != message.ByteSize()


def items(list_of_items):
    return {item.key: json.loads(item.value_json) for item in list_of_items}


def same(got, want):
    return not math.isfinite(got) if want is None else got == want


if __name__ == "__main__":
    main(*sys.argv[1:])
