"""What comments and pages refer to exists: files, globs, folders, decisions, names of the code; and nobody is sent to what is not in the repository."""

import ast
import fnmatch
import io
import re
import tokenize

import includes
import source_files
from source_files import PRODUCT, TOKENS, line_of, text_of

FOLDERS = (*PRODUCT, "tests", "docs", "deploy")
# foo.c, unit/foo.h, codec_*.c; and any path that begins in one of our folders.
FILE = re.compile(r"(?<![\w./*-])(?:[\w.*-]+/)*(?!_)[\w.*-]*[\w*]\.(?:c|h|py|sh|md|mjs)(?![\w/-]|\.\w)")
PATH = re.compile(rf"(?<![\w./*\"-])(?:{'|'.join(FOLDERS)})/[\w*][\w./*-]*")
DECISION = re.compile(r"\bdecisions? (\d+)\b|\bdocs/decisions/(\d+)")
PLACEHOLDER = re.compile(r"(?<![A-Za-z])[A-Z]{4,}(?![A-Za-z])")  # test_NAME.c stands for any
WORD = re.compile(r"(?<![\w-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b(?!-)")
QUOTED = re.compile(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`")
MAP = "docs/ARCHITECTURE.md"  # has every wing
ELSEWHERE = re.compile(
    r"\b(?:the|this) (?:issue|brief) (?:says|asks|names|wants|has)\b|\bas the (?:issue|brief)\b|\bissues? #?\d+\b|\bitems? \d+\b|\bdesign (?:page|document)s?\b|\bshared/design\b"
    r"|\barchitecture(?:, [*\"]| document| has| says)|\bas the architecture\b|\bsee (?:the|its) header\b",
    re.I,
)
# Headers of libraries and of the system, files of programs that are not ours, and files that a program makes.
NOT_OURS = ("uv.h", "raft.h", "rdkafka.h", "crc.h", "isa-l.h", "assert.h", "errno.h", "lz4.h", "ssl.h", "time.h", "stdio.h", "cmocka.h")
LIBRARIES = ("uv_async", "uv_timer", "raft_version_number")


def c_remarks(text):
    for match in TOKENS.finditer(text):
        if match.group(0)[0] == "/" or "docs/" in match.group(0):  # what is said to users sends them to pages, too
            yield match.start(), match.group(0)


def python_remarks(text):
    """Comments, and the strings that open a module, a class or a function."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield starts[token.start[0] - 1] + token.start[1], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            first = node.body[0]
            yield starts[first.lineno - 1], text[starts[first.lineno - 1] : starts[first.end_lineno]]


def hash_remarks(text):
    for match in re.finditer(r"(?:^|(?<=\s))#[^\n]*", text):
        yield match.start(), match.group(0)


def remarks(path, text):
    """(position, text) of all that is written for people in this file."""
    if path.suffix in (".c", ".h", ".mjs"):
        return c_remarks(text)
    if path.suffix == ".md":
        return [(0, text)]
    if path.suffix == ".py" or text.startswith("#!/usr/bin/env python3"):
        return python_remarks(text)
    if path.suffix in (".sh", ".txt", ".hex", ".yml") or text.startswith("#!") or path.name == "Dockerfile":
        return hash_remarks(text)
    return ()


def names_something(name, known):
    """A path from the root or its last parts, of a file or a folder; with * or a word in capitals a glob of them."""
    while name.startswith("../"):
        name = name[3:]
    name = name.rstrip("/.")
    if name in known or ("*" not in name and (source_files.ROOT / name).exists()):  # also what lint does not read
        return True
    name = PLACEHOLDER.sub("*", name)
    return "*" in name and (any(fnmatch.fnmatchcase(other, name) for other in known) or any(source_files.ROOT.glob(name)))


def known_words(files):
    """Every word of the code, its strings, and the programs around it, but not of comments in C or of pages."""
    words = {path.stem for path in files}
    words |= {f"unit_{path.parts[2]}_{path.stem[5:]}" for path in files if path.parts[:2] == ("tests", "unit")}  # programs
    for path in files:
        if path.suffix == ".md":
            continue
        text = text_of(path)
        if path.suffix in (".c", ".h"):
            text = TOKENS.sub(lambda match: " " if match.group(0)[0] == "/" else match.group(0), text)
        words.update(re.findall(r"\w+", text))
    return words


def references(files):
    known = set()
    for path in files:
        parts = path.parts
        known |= {"/".join(parts[first:last]) for first in range(len(parts)) for last in range(first + 1, len(parts) + 1)}
    decisions = {int(p.name[:4]) for p in files if p.parts[:2] == ("docs", "decisions") and p.name[:4].isdigit()}
    words = known_words(files)
    for path in files:
        if path.parts[:2] == ("tests", "lint"):
            continue  # what it looks for stands in its own text
        text = text_of(path)
        for start, remark in remarks(path, text):
            for match, what in faults_of(remark, known, decisions, words, path.suffix in (".c", ".h")):
                yield path, line_of(text, start + match.start()), what
        if path.suffix == ".c":
            for start, remark in c_remarks(text):
                for match in re.finditer(
                    rf"\b[Ss]ee (?:[\w-]+/)*{re.escape(path.stem)}\.h\b|: (?:[\w-]+/)+{re.escape(path.stem)}\.h\.", remark
                ):
                    yield path, line_of(text, start + match.start()), "everybody knows this file's header: say what the file does"
        if path.suffix == ".md":
            for match in QUOTED.finditer(text):
                if match.group(1) not in words:
                    yield path, line_of(text, match.start()), f"no code has {match.group(1)}"
        if str(path) == MAP:
            for wing in includes.WINGS:
                if f"\n| `{wing}/` |" not in text:
                    yield path, 1, f"no row says what {wing}/ is for"


def faults_of(remark, known, decisions, words, of_c):
    for match in (*FILE.finditer(remark), *PATH.finditer(remark)):
        name = match.group(0).rstrip(".")
        if name.rsplit("/", 1)[-1] not in NOT_OURS and not name.startswith("docs/decisions/") and not names_something(name, known):
            yield match, f"there is no {name} here"
    for match in DECISION.finditer(remark):
        number = match.group(1) or match.group(2)
        if int(number) not in decisions:
            yield match, f"docs/decisions/ has no number {number}"
    for match in WORD.finditer(remark) if of_c else ():
        if match.group(0) not in words and match.group(0) not in LIBRARIES:
            yield match, f"no code has {match.group(0)}"
    for match in ELSEWHERE.finditer(remark):
        yield match, f'"{match.group(0)}": say it here, a reader has nothing else'
