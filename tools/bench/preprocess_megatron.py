#!/usr/bin/env python3
"""Does what Megatron-LM's tools/preprocess_data.py does, with megatron-core and without the program's flags; used by preprocess.sh.

    preprocess_megatron.py LIBRARY TOKENIZER INPUT PREFIX WORKERS
    preprocess_megatron.py train FOLDER INPUT…      trains a byte-level BPE of 16,000 tokens
    preprocess_megatron.py table FOLDER BYTES       prints medians of FOLDER/times, and compares the token files

LIBRARY is sentencepiece or huggingface. As there, worker processes read JSON and encode, 32 lines at a time, and the first process writes.
Prints seconds from the first line to the end of the index, and those of the whole program.
"""

import json
import multiprocessing
import os
import statistics
import struct
import sys
import time

import numpy

STARTED = time.perf_counter()


def open_tokenizer(library, path):
    from megatron.core.tokenizers import MegatronTokenizer

    more = {"use_fast": True, "include_special_tokens": True} if library == "huggingface" else {}
    return MegatronTokenizer.from_pretrained(tokenizer_path=path, metadata_path={"library": library}, **more)


class Encoder:
    def __init__(self, library, path):
        self.library = library
        self.path = path

    def initializer(self):
        Encoder.tokenizer = open_tokenizer(self.library, self.path)

    def encode(self, line):
        ids = Encoder.tokenizer.tokenize(json.loads(line)["text"])
        lengths = [len(ids)] if ids else []
        if ids:
            ids.append(Encoder.tokenizer.eod)
            lengths[-1] += 1
        return ids, lengths, len(line)


def encode_all():
    from megatron.core.datasets import indexed_dataset

    library, path, source, prefix, workers = sys.argv[1:]
    encoder = Encoder(library, path)
    encoder.initializer()
    pool = multiprocessing.Pool(int(workers), initializer=encoder.initializer)
    dtype = indexed_dataset.DType.optimal_dtype(Encoder.tokenizer.vocab_size)
    builder = indexed_dataset.IndexedDatasetBuilder(prefix + ".bin", dtype=dtype)
    with open(source, encoding="utf-8") as lines:
        start = time.perf_counter()
        for ids, lengths, _ in pool.imap(encoder.encode, lines, 32):
            builder.add_document(ids, lengths)
    builder.finalize(prefix + ".idx")
    end = time.perf_counter()
    pool.close()
    pool.join()
    print(f"{end - start:.2f} {end - STARTED:.2f}")


def train(folder, sources):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    def texts():
        for source in sources:
            with open(source, encoding="utf-8") as lines:
                for line in lines:
                    yield json.loads(line)["text"]

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    end = "<|endoftext|>"
    trainer = trainers.BpeTrainer(vocab_size=16000, special_tokens=[end], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts(), trainer)
    os.makedirs(folder, exist_ok=True)
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": end, "bos_token": end, "model_max_length": 10**9}, file)


def documents(prefix):
    with open(prefix + ".idx", "rb") as file:
        header = file.read(34)
        (count,) = struct.unpack_from("<Q", header, 18)
        lengths = numpy.fromfile(file, numpy.int32, count)
    return numpy.split(numpy.fromfile(prefix + ".bin", numpy.uint16), numpy.cumsum(lengths)[:-1])


def table(folder, size):
    times = {}
    with open(os.path.join(folder, "times"), encoding="utf-8") as file:
        for line in file:
            name, workers, program, seconds, whole = line.split()
            times.setdefault((name, workers), {}).setdefault(program, []).append((float(seconds), float(whole)))
    print("| tokenizer | workers | seconds | Megatron's script | MB/s | Megatron's script | with the start | Megatron's script |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, workers), programs in times.items():
        (ours, ours_whole), (theirs, theirs_whole) = (
            [statistics.median(values) for values in zip(*programs[program])] for program in ("ours", "theirs")
        )
        print(
            f"| {name} | {workers} | {ours:.2f} | {theirs:.2f} | {size / 1e6 / ours:.1f} | {size / 1e6 / theirs:.1f}"
            f" | {ours_whole:.2f} | {theirs_whole:.2f} |"
        )
    for name in sorted({name for name, _ in times}):
        ours, theirs = (documents(os.path.join(folder, name)) for name in (f"ours-{name}_text_document", f"theirs-{name}"))
        differing = sum(not numpy.array_equal(a, b) for a, b in zip(ours, theirs))
        print(f"{name}: {differing} of {len(ours)} documents with other ids; {len(theirs)} in the other corpus")


def main():
    command, *args = sys.argv[1:]
    if command == "train":
        train(args[0], args[1:])
    elif command == "table":
        table(args[0], int(args[1]))
    else:
        encode_all()


if __name__ == "__main__":
    main()
