"""Consumers that are programs: kcat -G and drave consume -G. What they print is what they have read; they commit by themselves.

The command comes as arguments, with {settings} where the properties of librdkafka go, {group} and {topics}.
"""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time

from compat.drivers.line import login, serve

FORMAT = r"%t %p %o %s\n"


class Driver:
    def __init__(self):
        self.process, self.read, self.owned, self.rebalances = None, queue.Queue(), set(), 0

    def hello(self, q):
        done = subprocess.run([sys.argv[1], "-V" if "kcat" in sys.argv[1] else "--version"], capture_output=True, text=True)
        said = " ".join((done.stdout + done.stderr).split())
        return {"client": re.sub(r".*Version ([0-9.]+).*librdkafka ([0-9.]+).*", r"kcat \1, librdkafka \2", said)}

    def open(self, q):
        settings = {
            "auto.offset.reset": q["reset"],
            "isolation.level": q["isolation"],
            "auto.commit.interval.ms": 500,
            "topic.metadata.refresh.interval.ms": 1000,
            "fetch.wait.max.ms": 100,
        }
        if q["protocol"] != "consumer":
            settings |= {"session.timeout.ms": q["session_ms"], "heartbeat.interval.ms": 500}
        if q.get("instance"):
            settings["group.instance.id"] = q["instance"]
        words, security = [], q.get("security")
        for word in sys.argv[1:]:
            if word == "{settings}":
                words += [w for k, v in settings.items() if k not in os.environ.get("WITHOUT", "").split() for w in ("-X", f"{k}={v}")]
            elif word == "{properties}":
                words += [w for k, v in login(q).items() for w in ("-X", f"{k}={v}")]
            elif word == "{login}":
                words += ["--ca", security["ca"], "--user", security["user"]] if security else []
            elif word == "{topics}":
                words += [q["pattern"]] if q.get("pattern") else q["topics"]
            else:
                words.append(
                    word.format(
                        bootstrap=q["bootstrap"], group=q["group"], format=FORMAT, start="end" if q["reset"] == "latest" else "beginning"
                    )
                )
        self.words, self.environment = words, dict(os.environ, DRAVE_PASSWORD=security["password"]) if security else None
        self.start()

    def start(self):
        self.owned = set()
        self.process = subprocess.Popen(
            self.words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, env=self.environment
        )
        threading.Thread(target=self.listen, args=(self.process.stdout,), daemon=True).start()
        threading.Thread(target=self.hear_talk, args=(self.process.stderr,), daemon=True).start()

    def listen(self, out):
        for line in out:
            topic, partition, offset, value = line.rstrip("\n").split(" ", 3)
            self.read.put([topic, int(partition), int(offset), value])

    def hear_talk(self, talk):
        """Both say in brackets what they were given: `... assigned: t [0], t [1]`, `... revoked: ...`."""
        for line in talk:
            sys.stderr.write(line)
            found = re.search(r"\b(assigned|revoked|lost): (.*)", line)
            if found:
                named = {(t, int(p)) for t, p in re.findall(r"(\S+) \[(\d+)\]", found.group(2))}
                self.owned = (self.owned | named) if found.group(1) == "assigned" else (self.owned - named)
                self.rebalances += 1

    def poll(self, q):
        records, end = [], time.monotonic() + q["timeout_ms"] / 1000
        while len(records) < q["count"] and (left := end - time.monotonic()) > 0:
            try:
                records.append(self.read.get(timeout=left))
            except queue.Empty:
                break
        if not records and self.process.poll() is not None:
            if not q["rough"]:
                raise RuntimeError(f"the program ended with {self.process.returncode}")
            self.start()  # kcat ends when the first broker that it tries is down; whoever runs it starts it again
        return {"records": records}

    def assigned(self, q):
        return {"partitions": sorted(self.owned), "rebalances": self.rebalances}

    def close(self, q):
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)


serve(Driver())
