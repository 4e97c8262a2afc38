"""How long one small request waits beside many clients that list everything:  tests/harness/python tests/bench/listing.py [DRAVED...]

Each DRAVED (one of this tree if none is named) leads 2,000 partitions, alone. CLIENTS connections ask for the metadata of all topics, again as soon as they
are answered; one connection more pings it with ApiVersions, again PAUSE_S behind the answer, for SECONDS; before that for QUIET_S alone. 3 rounds,
interleaved. What is printed: the wait of the ping (median, 99 %, most), and lists a second. Decision 96 has figures.
"""

import os
import re
import selectors
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.cluster import BIN, wait_until
from harness.framed import Framed

CLIENTS, TOPICS, PARTITIONS = int(os.environ.get("CLIENTS") or 300), 100, 20
QUIET_S, SECONDS, PAUSE_S, ROUNDS = 2, 6, 0.01, 3
METADATA, API_VERSIONS = 3, 18
ASK = struct.pack(">hhihi", METADATA, 1, 1, -1, -1)  # of all topics, nameless
LIST = struct.pack(">i", len(ASK)) + ASK
PING = struct.pack(">hhih", API_VERSIONS, 0, 1, -1)


class Lister:
    """One connection of many: asks, reads, asks again."""

    def __init__(self, at, selector):
        self.socket = socket.create_connection(at, 30)
        self.socket.setblocking(False)
        self.head, self.left = b"", 0
        selector.register(self.socket, selectors.EVENT_READ, self)
        self.socket.send(LIST)

    def take(self, room):
        """1 when an answer is whole."""
        if self.left == 0:
            self.head += self.socket.recv(4 - len(self.head))
            if len(self.head) < 4:
                return 0
            self.left, self.head = struct.unpack(">i", self.head)[0], b""
            return 0
        self.left -= self.socket.recv_into(room, min(self.left, len(room)))
        if self.left > 0:
            return 0
        self.socket.send(LIST)
        return 1


def list_on(host, port):
    """A process of its own; prints how many lists it got when its stdin ends."""
    selector, room, got = selectors.DefaultSelector(), bytearray(1 << 20), 0
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    for _ in range(CLIENTS):
        Lister((host, int(port)), selector)
    print("all are connected", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                print(got)
                return
            got += key.data.take(room)


def ping(link, seconds):
    waits, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        link.write_frame(PING)
        link.read_frame()
        waits.append(1000 * (time.monotonic() - began))
        time.sleep(PAUSE_S)
    return waits


def measure(draved):
    """(waits alone, waits beside the others, lists a second)"""
    place = Path(tempfile.mkdtemp(prefix="drave-listing-"))
    log = place / "log"
    with open(log, "wb") as out:
        broker = subprocess.Popen([draved, "--set", f"data.dir={place}/data", "--set", "listeners=PLAINTEXT://127.0.0.1:0"], stderr=out)
    try:
        at = wait_until("ready", lambda: re.search(r"ready: (\S+)", log.read_text()))[1].rstrip(",")
        host, port = at.rsplit(":", 1)
        for i in range(TOPICS):
            subprocess.run(
                [BIN / "drave", "-b", at, "topic", "create", f"listed-{i}", "-p", str(PARTITIONS)], check=True, capture_output=True
            )
        with Framed(host, int(port), 60) as link:
            alone = ping(link, QUIET_S)
            command = [sys.executable, __file__, "--lists", host, port]
            lister = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            lister.stdout.readline()
            time.sleep(1)
            beside = ping(link, SECONDS)
            lists = int(lister.communicate("")[0])
        return alone, beside, lists / (SECONDS + 1)
    finally:
        broker.kill()
        broker.wait()
        shutil.rmtree(place)


def said(waits):
    waits = sorted(waits)
    return f"{statistics.median(waits):.1f} ms, 99 % {waits[len(waits) * 99 // 100]:.1f}, most {waits[-1]:.1f} (of {len(waits)})"


def main():
    programs = sys.argv[1:] or [BIN / "draved"]
    found = {program: ([], [], []) for program in programs}
    for _ in range(ROUNDS):
        for program in programs:
            alone, beside, lists = measure(program)
            found[program][0].extend(alone)
            found[program][1].extend(beside)
            found[program][2].append(lists)
    for program, (alone, beside, lists) in found.items():
        print(
            f"{program}: ping alone {said(alone)}; beside {CLIENTS} that list {said(beside)}; {statistics.median(lists):.0f} lists a second"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--lists"]:
        list_on(*sys.argv[2:])
    else:
        main()
