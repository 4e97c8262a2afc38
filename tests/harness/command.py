"""drave as somebody types it: one call, and what is expected of its exit code and words."""

import os
import re
import subprocess

from harness.cluster import BIN


def run(*words, env=None, stdin=None, timeout=60, **more):
    return subprocess.run(
        [str(BIN / "drave"), *map(str, words)],
        capture_output=True,
        text=True,
        input=stdin,
        timeout=timeout,
        env=dict(os.environ, **(env or {})),
        **more,
    )


def shell(line, timeout=60):
    """A line of bash with drave and draved on its PATH."""
    return subprocess.run(
        line,
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        timeout=timeout,
        env=dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}"),
    )


def expect(done, code, *patterns):
    text = done.stderr + done.stdout
    assert done.returncode == code, f"exit code {done.returncode} instead of {code}: {text[-300:]}"
    for p in patterns:
        assert re.search(p, text), f"/{p}/ is not in: {text[-400:]}"
