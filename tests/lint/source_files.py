"""The files that lint looks at, and C text without its comments and strings. One finding is (path, line, what)."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("base", "protocol", "why", "storage", "raft-glue", "broker", "client")
BINARY = {".bin", ".png", ".gz", ".zst", ".lz4"}


def all_files():
    """Every file of the project, tracked or not yet, without what git ignores; paths relative to the root."""
    words = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(words, capture_output=True)
    if done.returncode == 0:
        names = done.stdout.decode().split("\0")
    else:  # an exported copy, in which programs may have been run: drave-dev, drave-quickstart
        top = [p for p in ROOT.iterdir() if p.name not in (".git", "build") and not p.name.startswith("drave-")]
        found = [p for t in top for p in ([t] if t.is_file() else t.rglob("*"))]
        names = [str(p.relative_to(ROOT)) for p in found if not {"node_modules", "__pycache__"} & set(p.parts)]
    paths = sorted({Path(n) for n in names if n})
    return [p for p in paths if (ROOT / p).is_file() and p.suffix not in BINARY]


def c_files(files):
    return [p for p in files if p.suffix in (".c", ".h")]


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def without_comments_and_strings(text):
    """Same lines and columns; comments become blanks, strings and characters empty ones."""

    def blank(match):
        token = match.group(0)
        if token[0] == '"' or token[0] == "'":
            return token[0] + " " * (len(token) - 2) + token[0]
        return re.sub(r"[^\n]", " ", token)

    return TOKENS.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1
