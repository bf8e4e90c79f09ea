#!/usr/bin/env python3
"""Writes how megatron-core's DynamicGradScaler answers random overflows, for LossScalerTest.

usage: loss_scales.py FILE.json

needs: pip install torch megatron-core
"""
import json
import random
import sys

import torch
from megatron.core.optimizer.grad_scaler import DynamicGradScaler

CPU_TENSOR = torch.tensor


def on_cpu(data, **options):
    options.pop("device", None)
    return CPU_TENSOR(data, **options)


def trace(number, initial, smallest, window, hysteresis, share):
    """One scaler's state after each of 400 iterations, of which a share overflows."""
    draw = random.Random(number)
    scaler = DynamicGradScaler(initial, smallest, 2.0, 0.5, window, hysteresis)
    steps = []
    for _ in range(400):
        overflow = draw.random() < share
        scaler.update(overflow)
        state = scaler.state_dict()
        steps.append([int(overflow), float(state["scale"]), state["growth_tracker"], state["hysteresis_tracker"]])
    return {"initial": initial, "min": smallest, "window": window, "hysteresis": hysteresis, "steps": steps}


def main():
    torch.tensor = on_cpu
    torch.Tensor.cuda = lambda self, *_: self
    settings = [(2.0**32, 1.0, 1000, 2, 0.2), (2.0**32, 1.0, 5, 2, 0.15), (65536.0, 1.0, 3, 1, 0.5),
                (1000.0, 3.0, 2, 3, 0.4), (2.0**32, 1.0, 17.0, 4, 0.05), (4096.0, 1.0, 2.5, 2, 0.3)]
    traces = [trace(number, *setting) for number, setting in enumerate(settings)]
    with open(sys.argv[1], "w") as file:
        json.dump(traces, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
