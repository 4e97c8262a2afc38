"""What producers of each codec cost one broker, in core-seconds per GB of their payload:  tests/harness/python tests/bench/codecs.py [DRAVED...]

Each DRAVED (one of this tree if none is named) takes 60,000 records of 1 KB a second for 4 s, half of each random and half text, 3 rounds, interleaved.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.cluster import BIN, wait_until

RATE, SIZE, SECONDS, ROUNDS = 60_000, 1024, 4, 3


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(draved, codec):
    """Core-seconds of the broker per GB that was acknowledged."""
    place = Path(tempfile.mkdtemp(prefix="drave-codecs-"))
    log = place / "log"
    with open(log, "wb") as out:
        broker = subprocess.Popen([draved, "--set", f"data.dir={place}/data", "--set", "listeners=PLAINTEXT://127.0.0.1:0"], stderr=out)
    try:
        at = wait_until("ready", lambda: re.search(r"ready: (\S+)", log.read_text()))[1]
        subprocess.run([BIN / "drave", "-b", at, "topic", "create", "codecs", "-p", "4"], check=True, capture_output=True)
        before, words = (
            cpu_seconds(broker.pid),
            ["--rate", str(RATE), "--size", str(SIZE), "--seconds", str(SECONDS), "-c", f"compression.codec={codec}", "-c", "linger.ms=5"],
        )
        done = subprocess.run([BIN / "drave", "bench", "produce", "codecs", "-b", at, *words, "--json"], capture_output=True, text=True)
        return (cpu_seconds(broker.pid) - before) / (json.loads(done.stdout)["records"] * SIZE / 1e9)
    finally:
        broker.kill()
        broker.wait()
        shutil.rmtree(place)


programs = sys.argv[1:] or [BIN / "draved"]
for codec in ("none", "lz4", "snappy", "zstd", "gzip"):
    found = {program: [] for program in programs}
    for _ in range(ROUNDS):
        for program in programs:
            found[program].append(measure(program, codec))
            time.sleep(0.2)
    print(
        f"{codec:7}",
        "  ".join(f"{program}: {statistics.median(v):.2f} ({min(v):.2f}..{max(v):.2f})" for program, v in found.items()),
        flush=True,
    )
