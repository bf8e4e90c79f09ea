#!/usr/bin/env python3
"""Trains SentencePiece models of many kinds, exports each with `convert --saver hf`, and compares what transformers makes
of the exported folder with what SentencePiece makes of the model: ids of documents and of awkward texts, and the way back.

usage: tokenizer_exports.py [--program "scripts/tanuki4j"] [--work FOLDER] [--every N] [KIND ...]

Every Nth document of training_corpus is compared (default 4; the models are trained on others), and about 2,000 made
texts. A difference between two cuts of a text with the same score (a tie) is counted apart. Ends with 1 if a document's
ids differ otherwise.

needs: pip install torch transformers sentencepiece protobuf; the built program
"""
import argparse
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import sentencepiece
import transformers
from sentencepiece import sentencepiece_model_pb2

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROWS = 4096
VOCABULARY = 3000
EQUAL_SCORES = 1e-3
USER = ["\n", "<tool>", "<|im_start|>", "ＡＢＣ"]
SPACES = ["  ", "    ", "\u2581\u2581", "\n", "\t"]
TANUKI = ["<s>", "</s>", "<pad>", "<CLS>", "<SEP>", "<EOD>", "<MASK>", "\n"]
PLAIN = dict(normalization_rule_name="identity", remove_extra_whitespaces=False)
BYTES = dict(byte_fallback=True)
BPE = dict(model_type="bpe")
KINDS = {
    "unigram (spm_train's defaults)": {},
    "unigram identity bytes": {**PLAIN, **BYTES},
    "unigram nmt_nfkc bytes": BYTES,
    "unigram nmt_nfkc bytes, user symbols": {**BYTES, "user_defined_symbols": USER},
    "unigram identity bytes, specials user-defined": {**PLAIN, **BYTES, "bos_id": -1, "eos_id": -1, "user_defined_symbols": TANUKI},
    "unigram nmt_nfkc no prefix, blanks kept": {"add_dummy_prefix": False, "remove_extra_whitespaces": False},
    "unigram nfkc": {"normalization_rule_name": "nfkc"},
    "unigram nmt_nfkc_cf bytes, pad": {**BYTES, "normalization_rule_name": "nmt_nfkc_cf", "pad_id": 3},
    "unigram identity bytes, runs of blanks": {**PLAIN, **BYTES, "user_defined_symbols": SPACES},
    "unigram identity bytes, blanks not escaped": {**PLAIN, **BYTES},
    "unigram nmt_nfkc bytes, blanks behind words": {**BYTES, "treat_whitespace_as_suffix": True},
    "bpe (spm_train's defaults)": BPE,
    "bpe identity bytes (as Llama)": {**BPE, **PLAIN, **BYTES, "split_digits": True, "allow_whitespace_only_pieces": True},
    "bpe identity bytes, user symbols": {**BPE, **PLAIN, **BYTES, "user_defined_symbols": USER},
    "bpe nmt_nfkc, user symbols": {**BPE, "user_defined_symbols": USER},
    "bpe nmt_nfkc bytes no prefix": {**BPE, **BYTES, "add_dummy_prefix": False},
    "bpe identity bytes, runs of blanks": {**BPE, **PLAIN, **BYTES, "user_defined_symbols": SPACES},
    "bpe identity bytes, blanks not escaped": {**BPE, **PLAIN, **BYTES},
    "char": {"model_type": "char"},
}
ATOMS = (
    "a|b| |  |   |\n|\n\n|\t|\r|\r\n|\x00|\x01|\x7f|\u0085|\u00a0|\u3000|\u200b|\u200d|\u2028|\ufeff|\ufffd|\u2581|\u2581\u2581|吾輩|猫|。|「|㍿|ｱｲｳ|ﾊﾟ|Ａ１"
    "|１２３|①|½|ﬁ|é|e\u0301|が|か\u3099|😀|👨‍👩‍👧|🇯🇵|👍🏽|❤️|葛\U000e0100|𠮷|\ue000|ß|İ|ı|Ω|<s>|</s>|<unk>|<pad>|<EOD>|<CLS>|<PAD>|<BOS>"
    "|<0x41>|<0x0A>|<tool>|<|im_start|>|ＡＢＣ|the|It was| It|don't|123|\u0e01\u0e33|नमस्ते|한국어|\u1112\u1161\u11ab|مرحبا|\u202e|\ufe0f|~|～|〜|ー|…|．．．|\u2060"
).replace("<|im_start|>", "<\0im_start\0>").split("|")
ATOMS = [atom.replace("\0im_start\0", "|im_start|") for atom in ATOMS]


class Megatron:
    """Megatron's SentencePieceTokenizer with its own special tokens, and the model as it is."""

    def __init__(self, model, kind):
        self.model = model
        self.specials = {}
        if kind == "SentencePieceTokenizer":
            ids = {model.id_to_piece(i): i for i in range(model.get_piece_size())}
            names = ["<CLS>", "<SEP>", "<EOD>", "<MASK>"]
            for i, name in ((model.pad_id(), "<PAD>"), (model.bos_id(), "<BOS>"), (model.eos_id(), "<EOS>")):
                names.append(model.id_to_piece(i) if i >= 0 else name)
            for name in names:
                self.specials[name] = ids.setdefault(name, len(ids))

    def encode(self, text):
        ids, start = [], 0
        while True:
            found = {special: text.find(special, start) for special in self.specials}
            found = {special: place for special, place in found.items() if place >= 0}
            if not found:
                return ids + self.model.encode(text[start:])
            special = min(found, key=found.get)
            ids += self.model.encode(text[start : found[special]]) + [self.specials[special]]
            start = found[special] + len(special)


def train(name, options, lines, folder):
    prefix = os.path.join(folder, "model")
    settings = dict(vocab_size=VOCABULARY, hard_vocab_limit=False, minloglevel=2, num_threads=2)
    sentencepiece.SentencePieceTrainer.train(input=lines, model_prefix=prefix, **settings, **options)
    if "not escaped" in name:
        proto = sentencepiece_model_pb2.ModelProto()
        with open(prefix + ".model", "rb") as file:
            proto.ParseFromString(file.read())
        proto.normalizer_spec.escape_whitespaces = False
        for piece in proto.pieces:
            piece.piece = piece.piece.replace("\u2581", " ")
        with open(prefix + ".model", "wb") as file:
            file.write(proto.SerializeToString())
    return prefix + ".model"


def documents(every):
    texts = []
    for language in ("ja", "en"):
        with open(os.path.join(ROOT, "training_corpus", language + ".jsonl"), encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    return [text for i, text in enumerate(texts) if i % every == 1], [text for i, text in enumerate(texts) if i % every == 0]


def made_texts():
    random.seed(7)
    texts = list(ATOMS)
    for atom in ATOMS:
        texts += ["x" + atom, atom + "x", "x" + atom + "y", " " + atom, atom + " ", "\n" + atom + "\n"]
    return texts + ["".join(random.choice(ATOMS) for _ in range(random.randint(2, 14))) for _ in range(1500)]


def run(program, *words):
    done = subprocess.run(shlex.split(program) + list(words), cwd=ROOT, capture_output=True, text=True)
    return done.returncode, (done.stderr or done.stdout).strip().split("\n")[-1]


def tiny_llama(folder):
    config = transformers.LlamaConfig(
        vocab_size=ROWS, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=4096
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)


def compare(ours, theirs, texts, hidden):
    ties, ids, back, shown = 0, 0, 0, []
    texts = [text for text in texts if not any(name in text for name in hidden)]
    for text in texts:
        expected, actual = ours.encode(text), theirs.encode(text, add_special_tokens=False)
        if expected != actual:
            size = ours.model.get_piece_size()
            score = lambda these: sum(ours.model.get_score(i) for i in these if i < size)
            if abs(score(expected) - score(actual)) < EQUAL_SCORES and len(expected) == len(actual):
                ties += 1
            else:
                ids += 1
                shown.append(text)
        elif not set(expected) & set(ours.specials.values()) and ours.model.unk_id() not in expected:
            back += theirs.decode(expected) != ours.model.decode(expected)
    return len(texts), ties, ids, back, sorted(shown, key=len)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="scripts/tanuki4j")
    parser.add_argument("--work")
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("kinds", nargs="*")
    arguments = parser.parse_args()
    work = arguments.work or tempfile.mkdtemp()
    compared, trained = documents(arguments.every)
    lines = os.path.join(work, "lines.txt")
    with open(lines, "w", encoding="utf-8") as file:
        file.write("\n".join(trained))
    tiny_llama(os.path.join(work, "llama"))
    ours = os.path.join(work, "ours")
    if not os.path.exists(ours):
        print(run(arguments.program, "convert", "--loader", "hf", "--saver", "tanuki4j", "--load-dir", os.path.join(work, "llama"), "--save-dir", ours)[1])
    print(f"transformers {transformers.__version__}, sentencepiece {sentencepiece.__version__}")
    print("| model | tokenizer | documents: ties, other ids, other text | made texts: ties, other ids, other text |\n|---|---|---|---|")
    failed = False
    for name, options in KINDS.items():
        if arguments.kinds and not any(kind in name for kind in arguments.kinds):
            continue
        folder = os.path.join(work, name.replace(" ", "_").replace("'", "").replace(",", ""))
        os.makedirs(folder, exist_ok=True)
        file = train(name, options, lines, folder)
        model = sentencepiece.SentencePieceProcessor(model_file=file)
        for kind in ("SentencePieceTokenizer", "GPTSentencePieceTokenizer"):
            if kind.startswith("GPT") and model.eos_id() < 0:
                continue
            exported = os.path.join(folder, kind)
            subprocess.run(["rm", "-rf", exported], check=True)
            code, said = run(
                arguments.program, "convert", "--loader", "tanuki4j", "--saver", "hf", "--load-dir", ours, "--save-dir", exported,
                "--tokenizer-type", kind, "--tokenizer-model", file,
            )
            if code:
                print(f"| {name} | {kind} | {said} | |")
                failed = True
                continue
            theirs = transformers.AutoTokenizer.from_pretrained(exported)
            megatron = Megatron(model, kind)
            hidden = {model.id_to_piece(i) for i in range(model.get_piece_size()) if model.is_control(i) or model.is_unknown(i)}
            hidden -= set(megatron.specials)
            cells = []
            for texts in (compared, made_texts()):
                number, ties, ids, back, shown = compare(megatron, theirs, texts, hidden)
                cells.append(f"{number}: {ties}, {ids}, {back}")
                for text in shown[:2]:
                    print(f"    {name}: {text[:80]!r}", file=sys.stderr)
            failed |= not cells[0].endswith(": " + cells[0].split(": ")[1].split(",")[0] + ", 0, 0")
            print(f"| {name} | {kind} | {cells[0]} | {cells[1]} |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
