#!/usr/bin/env python3
"""Makes the small tokenizers under src/test/resources/tokenizer, and the ids that their libraries make of texts.

usage: tokenizer_fixtures.py FOLDER

needs: pip install sentencepiece
"""
import json
import os
import sys
import tempfile

import sentencepiece

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLAIN = dict(normalization_rule_name="identity", remove_extra_whitespaces=False)
KINDS = {
    "bpe_user_symbols": dict(model_type="bpe", byte_fallback=True, user_defined_symbols=["\n", "<tool>", "  "], **PLAIN),
    "unigram_rules": dict(user_defined_symbols=["\n", "<tool>", "ＡＢＣ"]),
    "unigram_specials_user_defined": dict(
        byte_fallback=True, bos_id=-1, eos_id=-1, user_defined_symbols=["<s>", "</s>", "<CLS>", "<SEP>", "<EOD>", "<MASK>", "\n"], **PLAIN
    ),
}
RULES = {"Ａ": "A", "Ｂ": "B", "Ｃ": "C", "ｶ": "カ", "①": "1", "\u3000": " ", "\n": " ", "\t": " "}


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        lines = os.path.join(work, "lines.txt")
        rules = os.path.join(work, "rules.tsv")
        with open(lines, "w", encoding="utf-8") as out:
            for language in ("ja", "en"):
                with open(os.path.join(ROOT, "training_corpus", language + ".jsonl"), encoding="utf-8") as texts:
                    out.writelines(json.loads(line)["text"] + "\n" for line in list(texts)[:12])
        with open(rules, "w", encoding="utf-8") as out:
            for source, target in RULES.items():
                out.write(" ".join("%X" % ord(c) for c in source) + "\t" + " ".join("%X" % ord(c) for c in target) + "\n")
        for name, options in KINDS.items():
            if name == "unigram_rules":
                options = {**options, "normalization_rule_tsv": rules}
            sentencepiece.SentencePieceTrainer.train(
                input=lines, model_prefix=os.path.join(folder, name), vocab_size=700, character_coverage=0.98,
                hard_vocab_limit=False, minloglevel=2, **options
            )
            os.remove(os.path.join(folder, name + ".vocab"))


if __name__ == "__main__":
    main()
