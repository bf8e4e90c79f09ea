"""What the peers on several GPUs share: the sizes of the model as options, and the ranks of torchrun."""

import argparse
import os

import torch
import torch.distributed as dist

SIZES = dict(layers=8, hidden=4096, ffn=14336, heads=32, groups=8, seq=8192, vocab=65536, micro_batch=1, global_batch=4,
             warmup=3)


def size_options(iterations):
    """Returns a parser of the sizes, and of whether to compile."""
    parser = argparse.ArgumentParser()
    for name, value in dict(SIZES, iterations=iterations).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    return parser


def join():
    """Joins the group of all ranks. Returns this rank's device, and whether it is a GPU."""
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo")
    return device, cuda
