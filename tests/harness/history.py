"""The history of a run: one operation a line, so that anybody can judge the run again (tests/harness/checker.py does).

{"t_us","op":"invoke|ok|fail|info|poll","client","partition","value","offset"}: ok happened; fail certainly did not; info is unknown.
"""

import json
import threading
import time
from pathlib import Path


class History:
    def __init__(self, path):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.path, "w", buffering=1 << 20)
        self.lock = threading.Lock()
        self.ops = []

    def add(self, op, client, partition=None, value=None, offset=None):
        row = (time.monotonic_ns() // 1000, op, client, partition, value, offset)
        with self.lock:
            self.ops.append(row)
        return row[0]

    def close(self):
        names = ("t_us", "op", "client", "partition", "value", "offset")
        with self.lock:
            for row in self.ops:
                self.file.write(json.dumps({k: v for k, v in zip(names, row) if v is not None}) + "\n")
            self.file.close()


def read(path):
    """Rows (t_us, op, client, partition, value, offset) of a file."""
    with open(path) as f:
        for line in f:
            o = json.loads(line)
            yield (o["t_us"], o["op"], o["client"], o.get("partition"), o.get("value"), o.get("offset"))
