"""Long files and functions, full folders. Near 500 and 60 lines is the time to look for the second job; these limits are the wall."""

import re
from collections import Counter

from source_files import PRODUCT, c_files, text_of

FILE_LINES = 600
PRODUCT_LINES = 500
FUNCTION_LINES = 80
FOLDER_FILES = 30
MANY = ("broker/api", "protocol/messages")  # one file for each request
# Known exceptions, "path" or "path:function". It only ever gets shorter; it is empty, and shall stay so.
KNOWN = frozenset()

NOT_CODE = {".json", ".txt", ".md", ".csv", ".jsonl", ".lock", ".log", ".xml"}
BEGINS = re.compile(r"^[A-Za-z_].*\b(\w+)\(")


def files_too_long(files):
    for path in files:
        if path.suffix in NOT_CODE or path.name == "LICENSE":
            continue
        lines = text_of(path).count("\n")
        most = PRODUCT_LINES if path.parts[0] in PRODUCT else FILE_LINES
        if lines > most and str(path) not in KNOWN:
            yield path, 1, f"{lines} lines, more than {most}: split it by job"


def folders_too_full(files):
    count = Counter(path.parent for path in c_files(files) if path.parts[0] in PRODUCT)
    for folder, number in count.items():
        if number > FOLDER_FILES and str(folder) not in MANY:
            yield folder, 1, f"{number} files, more than {FOLDER_FILES}: give the second subject a folder of its own"


def functions_too_long(files):
    """In formatted code a function begins at the margin, and its last line is a brace at the margin."""
    for path in c_files(files):
        begin = name = None
        for number, line in enumerate(text_of(path).split("\n"), 1):
            match = BEGINS.match(line)
            if match and not line.rstrip().endswith(";") and not line.startswith(("#", "typedef")):
                begin, name = number, match.group(1)
            elif line == "}" and begin is not None:
                if number - begin + 1 > FUNCTION_LINES and f"{path}:{name}" not in KNOWN:
                    yield path, begin, f"{name}() has {number - begin + 1} lines, more than {FUNCTION_LINES}"
                begin = None
            elif line.startswith("}"):
                begin = None
