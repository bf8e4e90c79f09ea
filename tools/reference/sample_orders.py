#!/usr/bin/env python3
"""Writes src/test/resources/data/megatron-caches.json: what Megatron core leaves in its cache.

Run it at the root of the repository:  python tools/reference/sample_orders.py
It needs megatron-core 0.12.3 and numpy. PyTorch is not needed: the data code only names its types.
"""

import hashlib
import importlib.metadata
import json
import os
import sys
import tempfile
import types

FIXTURE = "src/test/resources/data/megatron-caches.json"
GOLDEN = "src/test/resources/golden/"
A = GOLDEN + "llama-tiny/a_text_document"
B = GOLDEN + "llama-tiny/b_text_document"
C = GOLDEN + "llama-tiny-zloss/a_text_document"


def module(name, **attributes):
    result = types.ModuleType(name)
    result.__dict__.update(attributes)
    sys.modules[name] = result
    return result


def load_megatron():
    core = str(importlib.metadata.distribution("megatron-core").locate_file("megatron/core"))
    distributed = module("torch.distributed", is_initialized=lambda: False, get_rank=lambda: 0)
    data = module("torch.utils.data", Dataset=object)
    utils = module("torch.utils", data=data)
    module("torch", Tensor=object, distributed=distributed, utils=utils)
    module("megatron", __path__=[os.path.dirname(core)])
    module("megatron.core", __path__=[core])
    module("megatron.core.datasets", __path__=[core + "/datasets"])
    module("megatron.core.utils", log_single_rank=lambda *args, **kwargs: None)
    module(
        "megatron.core.parallel_state",
        get_virtual_pipeline_model_parallel_rank=lambda: None,
    )


class NullTokenizer:
    eod = 511
    unique_identifiers = {
        "class": "_NullTokenizer",
        "tokenizer_path": [None],
        "vocab_size": "511",
    }


def build(case, cache):
    from megatron.core.datasets.blended_megatron_dataset_builder import (
        BlendedMegatronDatasetBuilder,
    )
    from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig
    from megatron.core.datasets.utils import get_blend_from_list

    if "data_path" in case:
        source = {"blend": get_blend_from_list(case["data_path"]), "split": case["split"]}
    else:
        source = {"blend_per_split": [get_blend_from_list(p) for p in case["per_split"]]}
    config = GPTDatasetConfig(
        random_seed=case["seed"],
        sequence_length=case["seq"],
        path_to_cache=cache,
        tokenizer=NullTokenizer(),
        reset_position_ids=False,
        reset_attention_mask=False,
        eod_mask_loss=False,
        create_attention_mask=False,
        **source,
    )
    builder = BlendedMegatronDatasetBuilder(GPTDataset, case["sizes"], lambda: True, config)
    return builder.build()


def case(name, sizes, seq=64, seed=1234, **source):
    return {"name": name, "seed": seed, "seq": seq, "sizes": sizes, **source}


def cases():
    uneven = [str(round(0.1 + 0.37 * (i % 7), 2)) for i in range(140)]
    many = [x for i, w in enumerate(uneven) for x in (w, (A, B, C)[i % 3])]
    return [
        case("one corpus, one epoch", [48, 4, 1], data_path=[C], split="940, 50, 10"),
        case("last epoch apart", [1000, 9, 3], seq=16, data_path=[A], split="90,5,5"),
        case("last epoch not apart", [580, 30, 3], seq=16, data_path=[A], split="90,5,5"),
        case("many epochs, odd length", [9999, 500, 77], seq=7, data_path=[B], split="8/1/1"),
        case("documents shorter than samples", [40, 3, 2], seq=512, data_path=[C], split="8,1,1"),
        case("two splits", [100, 7, 5], data_path=[C], split="98/2"),
        case("a single corpus with weight", [33, 3, 3], data_path=["2", A], split="80,10,10"),
        case("weights", [210, 21, 10], data_path=["30", A, "70", B], split="90,5,5", seed=42),
        case("no weights", [120, 5, 5], data_path=[A, B, C], split="90,5,5", seed=0),
        case("140 weights", [3000, 140, 140], data_path=many, split="100"),
        case("blends per split", [100, 20, 10], per_split=[["1", A, "3", B], [A, B, C], ["5", C]]),
        case("training alone", [100, 0, 0], per_split=[[A], None, None]),
    ]


def main():
    load_megatron()
    for entry in (results := cases()):
        with tempfile.TemporaryDirectory() as cache:
            datasets = build(entry, cache)
            entry["lengths"] = [None if d is None else len(d) for d in datasets]
            entry["files"] = {}
            for name in sorted(os.listdir(cache)):
                with open(os.path.join(cache, name), "rb") as file:
                    entry["files"][name] = hashlib.md5(file.read()).hexdigest()
    with open(FIXTURE, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
