#!/usr/bin/env python3
"""Compares the ids that `preprocess` writes with those of Python's libraries, for every tokenizer that Hugging Face's library runs
here, and measures both, in CPU seconds: here of the whole program, its start included.

usage: tokenizer_ids.py [--program "scripts/tanuki4j"] [--work FOLDER] [--vocabulary N] [--fixtures FOLDER] FILE.jsonl ...

The texts are the documents of the files and about 2,000 made ones. Trains byte-level vocabularies of N tokens on the files, in the forms of GPT-2 (vocab.json, merges.txt, which transformers' Qwen2Tokenizer reads too), of NVIDIA's TikTokenizer
(both patterns), of Meta's Llama 3 (tokenizer.model) and of Hugging Face (a folder with a template and special tokens), and preprocesses
the files with each. The peers: a plain implementation of GPT-2's rules over the regex package, tiktoken, and transformers. With
--fixtures it only writes the vocabularies and, as expected.json, the ids of a few texts.

needs: pip install torch transformers tiktoken regex numpy sentencepiece protobuf; the built program
"""
import argparse
import base64
import json
import os
import resource
import shlex
import struct
import subprocess
import sys
import tempfile
import time

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
import numpy
import regex
import tiktoken
import tokenizers
import transformers

from tokenizer_exports import made_texts

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
V1 = r"[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
V2 = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
END = "<|endoftext|>"
BEGIN = "<|begin_of_text|>"
TEXTS = [
    "It was the best of times, it's the worst.",
    "吾輩は猫である。名前はまだ無い。\n\u3000どこで",
    "  two blanks,\n\n\tone tab \r\n CRLF  ",
    "12345 ½ ①② 3.14 ''s 'RE don'T",
    "emoji 😀👍🏽 \ufeff\u200b e\u0301 か\u3099 𠮷 नमस्ते",
    "a<|endoftext|>b <|begin_of_text|>c</s><unk> <|end_of_text|>",
    "",
    " ",
    "\n",
]


def byte_characters():
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [value for value in range(256) if value not in shown]
    return {**{value: chr(value) for value in shown}, **{value: chr(256 + i) for i, value in enumerate(hidden)}}


BYTES = byte_characters()
VALUES = {character: value for value, character in BYTES.items()}


class Gpt2:
    """GPT-2's rules as Megatron has them: no token of the text is special."""

    def __init__(self, folder):
        self.ids = json.load(open(os.path.join(folder, "vocab.json"), encoding="utf-8"))
        lines = open(os.path.join(folder, "merges.txt"), encoding="utf-8").read().split("\n")[1:-1]
        self.ranks = {tuple(line.split()): rank for rank, line in enumerate(lines)}
        self.known = {}

    def word(self, word):
        if word not in self.known:
            parts = [BYTES[value] for value in word.encode()]
            while len(parts) > 1:
                pair = min(zip(parts, parts[1:]), key=lambda pair: self.ranks.get(pair, 1 << 30))
                if pair not in self.ranks:
                    break
                joined, i = [], 0
                while i < len(parts):
                    if tuple(parts[i : i + 2]) == pair:
                        joined.append(pair[0] + pair[1])
                        i += 2
                    else:
                        joined.append(parts[i])
                        i += 1
                parts = joined
            self.known[word] = [self.ids[part] for part in parts]
        return self.known[word]

    def encode(self, text):
        return [id for word in regex.findall(GPT2, text) for id in self.word(word)]


def texts_of(files):
    return [json.loads(line)["text"] for file in files for line in open(file, encoding="utf-8")]


def trained(texts, size, pattern):
    model = tokenizers.Tokenizer(tokenizers.models.BPE())
    model.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated"), tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=size, initial_alphabet=list(BYTES.values()), show_progress=False)
    model.train_from_iterator(texts, trainer)
    return json.loads(model.to_str())["model"]


def ranked(model):
    """Tokens by rank as tiktoken wants them: 256 bytes, then what merges make, in order."""
    tokens = [bytes([value]) for value in range(256)]
    known = set(tokens)
    for merge in model["merges"]:
        token = bytes(VALUES[c] for c in "".join(merge))
        if token not in known:
            known.add(token)
            tokens.append(token)
    return tokens


def write_vocabularies(folder, texts, size):
    gpt2 = trained(texts, size, GPT2)
    ids = {token: id for id, token in enumerate(sorted(gpt2["vocab"], key=gpt2["vocab"].get))}
    ids[END] = len(ids)
    with open(os.path.join(folder, "vocab.json"), "w", encoding="utf-8") as out:
        json.dump(ids, out)
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as out:
        out.write("#version: 0.2\n" + "".join(" ".join(merge) + "\n" for merge in gpt2["merges"]))
    tokens = ranked(trained(texts, size, LLAMA3))
    with open(os.path.join(folder, "tiktoken.json"), "w", encoding="utf-8") as out:
        json.dump([{"rank": i, "token_bytes": base64.b64encode(token).decode(), "token_str": None} for i, token in enumerate(tokens)], out)
    with open(os.path.join(folder, "llama3.model"), "w", encoding="utf-8") as out:
        out.writelines(f"{base64.b64encode(token).decode()} {i}\n" for i, token in enumerate(tokens))
    write_folder(os.path.join(folder, "hf"), tokens)
    return tokens


def llama3_specials():
    reserved = [f"<|reserved_special_token_{i}|>" for i in range(251)]
    return [BEGIN, "<|end_of_text|>", *reserved[:4], "<|start_header_id|>", "<|end_header_id|>", reserved[4], "<|eot_id|>", *reserved[5:]]


def write_folder(folder, tokens):
    names = ["".join(BYTES[value] for value in token) for token in tokens]
    ids = {name: i for i, name in enumerate(names)}
    merges = [(name[:i], name[i:]) for name in names for i in range(1, len(name)) if name[:i] in ids and name[i:] in ids]
    model = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=ids, merges=merges, ignore_merges=True))
    model.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.Split(tokenizers.Regex(LLAMA3), "isolated"), tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    model.decoder = tokenizers.decoders.ByteLevel()
    model.add_special_tokens([tokenizers.AddedToken(name, special=True) for name in llama3_specials()[:12]])
    model.post_processor = tokenizers.processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, len(ids))])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=model, bos_token=BEGIN, eos_token="<|end_of_text|>", model_max_length=4096)
    fast.save_pretrained(folder)


def peers(folder, tokens):
    special = ["<unk>", "<s>", "</s>"] + [f"<SPECIAL_{i}>" for i in range(3, 1000)]
    plain = {token: 1000 + i for i, token in enumerate(tokens)}
    specials = {token: i for i, token in enumerate(special)}
    tik = lambda pattern: tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=plain, special_tokens=specials).encode_ordinary
    meta = {token: len(tokens) + i for i, token in enumerate(llama3_specials())}
    llama3 = tiktoken.Encoding("y", pat_str=LLAMA3, mergeable_ranks={t: i for i, t in enumerate(tokens)}, special_tokens=meta)
    fast = transformers.AutoTokenizer.from_pretrained(os.path.join(folder, "hf"))
    pairs = [tuple(line.split()) for line in open(os.path.join(folder, "merges.txt"), encoding="utf-8").read().split("\n")[1:-1]]
    vocabulary = json.load(open(os.path.join(folder, "vocab.json"), encoding="utf-8"))
    qwen2 = transformers.Qwen2Tokenizer(vocab=vocabulary, merges=pairs)
    qwen = lambda text: qwen2(text).input_ids
    size = str(1000 + len(tokens))
    path = lambda name: os.path.join(folder, name)
    return {
        "GPT2BPETokenizer": (Gpt2(folder).encode, ["--vocab-file", path("vocab.json"), "--merge-file", path("merges.txt")]),
        "QwenTokenizer": (qwen, ["--vocab-file", path("vocab.json"), "--merge-file", path("merges.txt")]),
        "TikTokenizer v1": (tik(V1), ["--tokenizer-model", path("tiktoken.json"), "--tiktoken-pattern", "v1", "--vocab-size", size]),
        "TikTokenizer v2": (tik(V2), ["--tokenizer-model", path("tiktoken.json"), "--vocab-size", size]),
        "Llama3Tokenizer": (
            lambda text: [meta[BEGIN]] + llama3.encode(text, allowed_special="all"),
            ["--tokenizer-model", path("llama3.model")],
        ),
        "HuggingFaceTokenizer": (lambda text: fast(text).input_ids, ["--tokenizer-model", path("hf")]),
    }


def read(prefix):
    index = open(prefix + ".idx", "rb").read()
    code, count = struct.unpack_from("<BQ", index, 17)
    lengths = numpy.frombuffer(index, "<i4", count, 34)
    ids = numpy.fromfile(prefix + ".bin", {8: "<u2", 4: "<i4"}[code])
    return [part.tolist() for part in numpy.split(ids, numpy.cumsum(lengths)[:-1])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="scripts/tanuki4j")
    parser.add_argument("--work")
    parser.add_argument("--vocabulary", type=int, default=16000)
    parser.add_argument("--repeat", type=int, default=1, help="copies of the files, for the speed")
    parser.add_argument("--fixtures")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    documents = texts_of(arguments.files)
    texts = documents + made_texts()
    work = arguments.fixtures or arguments.work or tempfile.mkdtemp()
    os.makedirs(work, exist_ok=True)
    tokens = write_vocabularies(work, documents, arguments.vocabulary)
    kinds = peers(work, tokens)
    if arguments.fixtures:
        expected = {name: [encode(text) for text in TEXTS] for name, (encode, _) in kinds.items()}
        with open(os.path.join(work, "expected.json"), "w", encoding="utf-8") as out:
            json.dump({"texts": TEXTS, "ids": expected}, out)
        return
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    corpus = os.path.join(work, "corpus.jsonl")
    with open(corpus, "w", encoding="utf-8") as out:
        out.writelines(json.dumps({"text": text}) + "\n" for text in texts * arguments.repeat)
    print(f"{len(texts)} documents, {megabytes:.2f} MB; transformers {transformers.__version__}, tokenizers {tokenizers.__version__}")
    print("| tokenizer | documents | other ids | ids | MB a CPU second here | Python |\n|---|---|---|---|---|---|")
    failed = False
    for name, (encode, flags) in kinds.items():
        start = time.process_time()
        expected = [encode(text) for text in texts]
        theirs = megabytes / (time.process_time() - start)
        prefix = os.path.join(work, name.replace(" ", "_"))
        command = shlex.split(arguments.program) + ["preprocess", "--input", corpus, "--output-prefix", prefix, "--workers", "1"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([*command, "--tokenizer-type", name.split(" ")[0], *flags], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{name}: {done.stderr.strip()}")
        actual = read(prefix + "_text_document")
        other = sum(a != b for a, b in zip(actual, [ids for ids in expected * arguments.repeat if ids]))
        failed |= other > 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        ours = megabytes * arguments.repeat / spent
        print(f"| {name} | {len(actual)} | {other} | {sum(map(len, actual))} | {ours:.2f} | {theirs:.2f} |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
