#!/usr/bin/env python3
"""Prints the sample numbers that --dataloader-type cyclic gives each rank, computed with PyTorch by Megatron's rule, for
ShuffledEpochsTest, and sums of permutations for NumpyRandomTest.

usage: cyclic_orders.py

The rule: an epoch has the whole steps of all ranks. Each rank has a bucket of consecutive samples and takes them in the order of
torch.randperm, whose generator is seeded with the number of the epoch.

needs: pip install torch
"""
import torch


def permutation(seed, size):
    return torch.randperm(size, generator=torch.Generator().manual_seed(seed)).tolist()


def batches(total, consumed, size, rank, ranks, count):
    step = size * ranks
    active = total // step * step
    bucket = active // ranks
    taken = []
    while len(taken) < count * size:
        epoch, inside = divmod(consumed, active)
        order = permutation(epoch, bucket)[inside // ranks :][:size]
        taken += [rank * bucket + number for number in order]
        consumed += step
    return taken


def main():
    for seed, size in ((0, 7), (1, 7), (5, 31), (1, 624), (0, 700), (5, 100000), (123456, 1000000)):
        print(seed, size, sum((i + 1) * value for i, value in enumerate(permutation(seed, size))))
    for total, consumed, size, rank, ranks in ((13, 0, 1, 0, 1), (13, 0, 2, 0, 3), (13, 0, 2, 2, 3), (29, 42, 2, 1, 3), (64, 8000, 4, 1, 2)):
        print(total, consumed, size, rank, ranks, ":", *batches(total, consumed, size, rank, ranks, 8))


if __name__ == "__main__":
    main()
