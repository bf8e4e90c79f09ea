#!/usr/bin/env python3
"""Makes the tables of src/site/markdown/sizing.md: memory and speed of three Llamas on 1 to 64 GPUs, by `tanuki4j plan`.

  tools/sizing.py [--tflops X]     prints the tables in Markdown

For each model and number of GPUs it tries layouts in the order of what they cost, and shows the first that fits a GPU of 80 GB.
TANUKI4J is the command that starts the program (scripts/tanuki4j). X is what a GPU reaches in bf16 (580, measured on one H100).
"""

import argparse
import json
import os
import shlex
import subprocess

MODELS = {
    "1B": dict(layers=16, hidden=2048, ffn=8192, heads=32, groups=8),
    "8B": dict(layers=32, hidden=4096, ffn=14336, heads=32, groups=8),
    "70B": dict(layers=80, hidden=8192, ffn=28672, heads=64, groups=8),
}
GPUS = {"1B": [1, 8, 64], "8B": [1, 2, 4, 8, 16, 64], "70B": [32, 64]}
LENGTH = 8192
BATCH = 128
GIB = 79.0  # what the driver leaves of 80 GB

# (tp, pp, recompute), cheapest first
LAYOUTS = {
    "1B": [(1, 1, 0)],
    "8B": [(1, 1, 0), (2, 1, 0), (4, 1, 0), (1, 4, 0), (2, 2, 0), (8, 1, 0), (1, 1, 1), (2, 1, 1), (4, 1, 1)],
    "70B": [(8, 4, 0), (8, 4, 1)],
}


def plan(model, gpus, tp, pp, recompute):
    shape = MODELS[model]
    flags = (
        f"--num-layers {shape['layers']} --hidden-size {shape['hidden']} --ffn-hidden-size {shape['ffn']}"
        f" --num-attention-heads {shape['heads']} --group-query-attention --num-query-groups {shape['groups']}"
        f" --seq-length {LENGTH} --max-position-embeddings {LENGTH} --micro-batch-size 1 --global-batch-size {BATCH}"
        " --untie-embeddings-and-output-weights --swiglu --normalization RMSNorm --position-embedding-type rope"
        " --disable-bias-linear --attention-dropout 0 --hidden-dropout 0 --padded-vocab-size 128256 --bf16"
        f" --tensor-model-parallel-size {tp} --pipeline-model-parallel-size {pp} --world-size {gpus} --json"
    )
    if gpus > tp * pp:
        flags += " --use-distributed-optimizer --overlap-grad-reduce --overlap-param-gather"
    if tp > 1:
        flags += " --sequence-parallel"
    if recompute:
        flags += " --recompute-granularity full --recompute-method uniform --recompute-num-layers 1"
    program = shlex.split(os.environ.get("TANUKI4J", "scripts/tanuki4j"))
    done = subprocess.run(program + ["plan"] + flags.split(), capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{model} on {gpus} GPUs: {done.stderr.strip()}")
    return json.loads(done.stdout)


def row(model, gpus, tflops):
    for tp, pp, recompute in LAYOUTS[model]:
        if gpus % (tp * pp):
            continue
        planned = plan(model, gpus, tp, pp, recompute)
        gib = max(stage["total"] for stage in planned["stages"]) / 2**30
        if gib <= GIB:
            busy = 1 - planned["idle_share"]
            work = planned["run"]["flops_per_token"] * (4 / 3 if recompute else 1)
            rate = tflops * 1e12 * busy * gpus / work
            days = 1e12 / rate / 86400
            layout = f"tp {tp}, pp {pp}, dp {gpus // (tp * pp)}" + (", full recomputation" if recompute else "")
            return f"| {model} | {gpus} | {layout} | {gib:.1f} | {100 * (1 - busy):.1f} % | {rate:,.0f} | {days:,.1f} |"
    return f"| {model} | {gpus} | none fits | | | | |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tflops", type=float, default=580)
    tflops = parser.parse_args().tflops
    print("| model | GPUs | layout | GiB of the fullest GPU | stages wait | tokens/s | days for 1T tokens |")
    print("|---|---|---|---|---|---|---|")
    for model in MODELS:
        for gpus in GPUS[model]:
            print(row(model, gpus, tflops), flush=True)


if __name__ == "__main__":
    main()
