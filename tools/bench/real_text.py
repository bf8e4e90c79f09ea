"""Makes a text that fp8_losses.sh reads once: en.jsonl and ja.jsonl, of novels in the public domain.

    real_text.py OUT --books REPOSITORY… --aozora REPOSITORY

The English novels are repositories of Standard Ebooks, the Japanese ones (of AUTHORS, all dead for more than 70 years)
those of Aozora Bunko, as text. Bare clones will do, since only what is committed is read. Six long English novels and
two Japanese authors make 9 million tokens, enough for 1,000 iterations of 8,192:

    for book in leo-tolstoy_war-and-peace_louise-maude_aylmer-maude victor-hugo_les-miserables_isabel-f-hapgood \\
      alexandre-dumas_the-count-of-monte-cristo_chapman-and-hall miguel-de-cervantes-saavedra_don-quixote_john-ormsby \\
      charles-dickens_bleak-house george-eliot_middlemarch; do
      git clone --bare --depth 1 https://github.com/standardebooks/$book books/$book
    done
    git clone --bare --depth 1 https://github.com/aozorahack/aozorabunko_text books/aozora
    python3 tools/bench/real_text.py text --books books/*_* --aozora books/aozora
    for language in ja en; do
      scripts/tanuki4j preprocess --input text/$language.jsonl --output-prefix tokens/$language --append-eod --workers 2 \\
        --tokenizer-type SentencePieceTokenizer --tokenizer-model tokenizer/ja_en_8k_unigram_identity.model
    done
    TOKENS=tokens tools/bench/fp8_losses.sh 1000

A line is a chapter of an English novel, or about 4,000 characters of a Japanese one. The order of both files is that of
the repositories, so the same commits give the same bytes.
"""

import argparse
import html
import io
import json
import pathlib
import re
import subprocess
import tarfile

AUTHORS = ["000148", "000081"]  # Natsume Sōseki and Miyazawa Kenji: folders of cards/
PARAGRAPH = re.compile(r"<(p|h\d)\b[^>]*>(.*?)</\1>", re.DOTALL)
NO_CHAPTER = ("colophon", "imprint", "titlepage", "uncopyright", "endnotes", "loi", "halftitlepage", "toc")
HEADER = re.compile(r"\n-{20,}\n.*?\n-{20,}\n", re.DOTALL)
DOCUMENT = 4000


def committed(repository, *paths):
    """Name and bytes of the files below paths, as they are committed."""
    archive = subprocess.run(["git", "-C", repository, "archive", "HEAD", *paths], check=True, stdout=subprocess.PIPE)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        for file in files:
            if file.isfile():
                yield pathlib.PurePath(file.name), files.extractfile(file).read()


def chapters(book):
    for name, content in committed(book, "src/epub/text"):
        if name.suffix == ".xhtml" and name.stem not in NO_CHAPTER:
            paragraphs = (html.unescape(re.sub(r"<[^>]+>", "", m[2])) for m in PARAGRAPH.finditer(content.decode()))
            # Standard Ebooks joins words by U+2060 and puts thin and hair spaces around marks.
            clean = (re.sub(r"[\u2060\u00ad]", "", p) for p in paragraphs)
            yield "\n".join(filter(None, (re.sub(r"\s+", " ", p).strip() for p in clean)))


def japanese(content):
    """The text of a work without ruby, notes on how it was typed, the table of signs at its head and the colophon."""
    text = content.decode("cp932", errors="replace").replace("\r\n", "\n")
    text = HEADER.sub("\n", text, count=1).split("\n底本：")[0]
    text = re.sub(r"《[^》]*》|［＃[^］]*］|｜", "", text)
    return [line.strip() for line in text.split("\n") if line.strip()]


def pieces(lines):
    part, length = [], 0
    for line in lines:
        part.append(line)
        length += len(line)
        if length >= DOCUMENT:
            yield "\n".join(part)
            part, length = [], 0
    if part:
        yield "\n".join(part)


def write(path, documents):
    count = characters = 0
    with open(path, "w", encoding="utf-8") as file:
        for text in filter(None, documents):
            print(json.dumps({"text": text}, ensure_ascii=False), file=file)
            count, characters = count + 1, characters + len(text)
    print(f"{path}: {count:,} documents, {characters:,} characters")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--books", nargs="+", required=True, metavar="REPOSITORY")
    parser.add_argument("--aozora", required=True, metavar="REPOSITORY")
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    write(a.out / "en.jsonl", (text for book in a.books for text in chapters(book)))
    works = (japanese(work) for author in AUTHORS for _, work in committed(a.aozora, f"cards/{author}"))
    write(a.out / "ja.jsonl", (text for work in works for text in pieces(work)))


if __name__ == "__main__":
    main()
