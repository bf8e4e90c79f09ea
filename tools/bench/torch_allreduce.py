"""All-reduces with PyTorch's gloo, timed as AllReduceBenchmark does; torchrun starts it."""

import time

import torch
import torch.distributed as dist

dist.init_process_group("gloo")
torch.set_num_threads(1)
for dtype in (torch.float32, torch.bfloat16):
    for size in (16, 1 << 16, 1 << 20, 1 << 26):
        tensor = torch.zeros(size // dtype.itemsize, dtype=dtype)
        rounds = 12 if size > 1 << 22 else 400
        best = float("inf")
        for _ in range(3):
            dist.barrier()
            start = time.perf_counter()
            for _ in range(rounds):
                dist.all_reduce(tensor)
            best = min(best, (time.perf_counter() - start) / rounds * 1e6)
        if dist.get_rank() == 0:
            print(f"{dist.get_world_size()} gloo {dtype} {size} bytes: {best:.0f} us, {size / best / 1e3:.2f} GB/s")
dist.destroy_process_group()
