"""What other programs judge: formatting (the pinned clang-format, the pinned ruff) and a second compiler's warnings (clang)."""

import json
import os
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from source_files import PRODUCT, ROOT, c_files, text_of

WHERE = re.compile(r"^(\S+?):(\d+):\d+: (?:error|warning|fatal error): (.*)$", re.M)


def findings_of(output):
    for match in WHERE.finditer(output):
        path = match.group(1)
        yield os.path.relpath(path, ROOT) if os.path.isabs(path) else path, int(match.group(2)), match.group(3)


def parts_of(items, count):
    return [items[i::count] for i in range(count) if items[i::count]]


def formatting(files):
    names = [str(p) for p in c_files(files)]
    program = str(ROOT / "tests/lint/clang-format")
    subprocess.run([program, "--version"], check=True, capture_output=True)  # installs it, once

    def judge(part):
        done = subprocess.run([program, "--dry-run", "--Werror", "--ferror-limit=1", *part], cwd=ROOT, capture_output=True, text=True)
        return done.stderr

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for output in pool.map(judge, parts_of(names, os.cpu_count() * 4)):
            for path, line, _ in findings_of(output):
                yield path, line, "not formatted; run tests/lint/format"


def python(files):
    """Python: what the pinned ruff finds, and whether it is formatted."""
    names = [str(p) for p in files if p.suffix == ".py" or text_of(p).startswith("#!/usr/bin/env python3")]
    program = str(ROOT / "tests/lint/ruff")
    found = subprocess.run([program, "check", "--output-format=concise", *names], cwd=ROOT, capture_output=True, text=True)
    if found.returncode not in (0, 1):
        yield "tests/lint/ruff", 1, found.stderr.strip()
    for match in re.finditer(r"^(\S+?):(\d+):\d+: (.*)$", found.stdout, re.M):
        yield match.group(1), int(match.group(2)), match.group(3)
    formatted = subprocess.run([program, "format", "--check", *names], cwd=ROOT, capture_output=True, text=True)
    for match in re.finditer(r"^Would reformat: (\S+)$", formatted.stdout, re.M):
        yield match.group(1), 1, "not formatted; run tests/lint/format"


def clang(files):
    """Every source with the flags of the dev build, checked by clang without producing anything."""
    if shutil.which("clang") is None:
        yield "deploy/install-deps", 1, "clang is not installed; run deploy/install-deps --test"
        return
    subprocess.run(["cmake", "--preset", "dev"], cwd=ROOT, check=True, capture_output=True)
    commands = json.loads((ROOT / "build/dev/compile_commands.json").read_text())
    jobs = {}
    for entry in commands:
        path = os.path.relpath(entry["file"], ROOT)
        words = shlex.split(entry["command"])
        flags = [w for w in words if w.startswith(("-D", "-I", "-std", "-W"))]
        flags += [w for i, folder in enumerate(words) if words[i - 1] == "-isystem" for w in ("-isystem", folder)]
        jobs[path] = flags

    def judge(item):
        path, flags = item
        words = ["clang", "-fsyntax-only", *flags, path]
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stderr

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for output in pool.map(judge, sorted(jobs.items())):
            yield from findings_of(output)
    missing = {str(p) for p in c_files(files) if p.suffix == ".c" and p.parts[0] in PRODUCT} - set(jobs)
    for path in sorted(missing):
        yield path, 1, "this file is not part of the build"
