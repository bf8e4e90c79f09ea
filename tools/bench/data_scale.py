#!/usr/bin/env python3
"""The parts of tools/bench/data_scale.sh that need Python.

    data_scale.py make PREFIX DOCUMENTS TOKENS    writes PREFIX.idx and a sparse PREFIX.bin: DOCUMENTS documents of TOKENS tokens in the mean
    data_scale.py build PREFIX CACHE SEQ SAMPLES  builds megatron-core's sample order of PREFIX into CACHE and prints the time of each part
    data_scale.py watch                           reads the lines of a pretrain and prints the time of each part, and the most memory
    data_scale.py compare TIMES                   prints the medians of the rounds, and their ratio
"""

import os
import resource
import statistics
import struct
import sys
import time

import numpy

SEED = 1234


def make(prefix, documents, tokens):
    """Lengths from one token to many times the mean; the places follow from them."""
    random = numpy.random.default_rng(SEED)
    lengths = (random.standard_exponential(documents, dtype=numpy.float32) * tokens + 1).astype(numpy.int32)
    ends = numpy.cumsum(lengths, dtype=numpy.int64) * 2
    with open(prefix + ".idx", "wb") as idx:
        idx.write(b"MMIDIDX\0\0" + struct.pack("<QBQQ", 1, 8, documents, documents + 1))
        lengths.tofile(idx)
        (ends - lengths * numpy.int64(2)).tofile(idx)
        numpy.arange(documents + 1, dtype=numpy.int64).tofile(idx)
    with open(prefix + ".bin", "wb") as bin_file:
        bin_file.truncate(int(ends[-1]))
    print(f"{documents:,} documents, {int(ends[-1]) // 2:,} tokens")


class NullTokenizer:
    eod = 511
    vocab_size = 512
    unique_identifiers = {"class": "_NullTokenizer", "tokenizer_path": [None], "vocab_size": "511"}


def timed(owner, name, label):
    """Replaces a function by one that prints how long a call took."""
    function = getattr(owner, name)

    def call(*args, **kwargs):
        start = time.perf_counter()
        result = function(*args, **kwargs)
        print(f"  {label}: {time.perf_counter() - start:.2f} s")
        return result

    setattr(owner, name, call)


def build(prefix, cache, seq_length, samples):
    from megatron.core.datasets import gpt_dataset, helpers
    from megatron.core.datasets.utils import Split

    config = gpt_dataset.GPTDatasetConfig(
        random_seed=SEED,
        sequence_length=seq_length,
        blend=([prefix], None),
        split="100,0,0",
        path_to_cache=cache,
        tokenizer=NullTokenizer(),
        reset_position_ids=False,
        reset_attention_mask=False,
        eod_mask_loss=False,
        create_attention_mask=False,
    )
    dataset_class = gpt_dataset.GPTDataset
    timed(dataset_class, "_get_num_tokens_per_epoch", "tokens of an epoch")
    timed(gpt_dataset, "_build_document_index", "document index")
    timed(helpers, "build_sample_idx", "sample index")
    timed(gpt_dataset, "_build_shuffle_index", "shuffle index")
    timed(numpy, "save", "writing a file")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    corpus = dataset_class.build_low_level_dataset(prefix, config)
    print(f"  opening: {time.perf_counter() - start:.2f} s")
    documents = numpy.arange(len(corpus), dtype=numpy.int32)
    dataset_class(corpus, prefix, documents, samples, Split.train, config)
    print(f"all: {time.perf_counter() - start:.2f} s")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"memory: {most >> 10} MiB at most, {before >> 10} MiB before")


def memory(parent, row):
    """Memory of the Java process in the pipe of this one, in MiB: a row of its status."""
    result = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status") as file:
                status = dict(line.split(":", 1) for line in file)
        except OSError:
            continue
        if status["Name"].strip() == "java" and status["PPid"].strip() == parent:
            result = int(status[row].split()[0]) >> 10
    return result


def watch():
    start = None
    memory_before = 0
    for line in sys.stdin:
        if "DEBUG" in line:
            print("  " + line.split(": ", 1)[-1].strip(), flush=True)
        elif line.startswith("> building train, validation, and test datasets for"):
            start = time.perf_counter()
            memory_before = memory(str(os.getppid()), "VmHWM")
        elif line.startswith("> finished creating GPT datasets"):
            seconds = time.perf_counter() - start
            print(f"all: {seconds:.2f} s")
            most, own = (memory(str(os.getppid()), row) for row in ("VmHWM", "RssAnon"))
            print(f"memory: {most} MiB at most, {memory_before} MiB before; without mapped files {own} MiB", flush=True)
        elif "expected" in line:
            print(line, end="")


def compare(path):
    times = {"ours": [], "theirs": []}
    with open(path) as file:
        for line in file:
            name, seconds = line.split()
            times[name].append(float(seconds))
    ours, theirs = statistics.median(times["ours"]), statistics.median(times["theirs"])
    print(f"medians: here {ours:.2f} s, megatron-core {theirs:.2f} s: {theirs / ours:.2f} times as fast")


def main():
    command, *args = sys.argv[1:]
    if command == "make":
        make(args[0], int(args[1]), int(args[2]))
    elif command == "build":
        os.makedirs(args[1], exist_ok=True)
        build(args[0], args[1], int(args[2]), int(args[3]))
    elif command == "watch":
        watch()
    else:
        compare(args[0])


if __name__ == "__main__":
    main()
