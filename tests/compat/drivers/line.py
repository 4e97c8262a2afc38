"""The line protocol of tests/compat/member.py for drivers in Python: each method of an object answers the question of its name."""

import json
import os
import sys


def serve(driver):
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin:
        question = json.loads(line)
        do = question.pop("do")
        try:
            answer = getattr(driver, do)(question) or {}
        except Exception as e:  # whatever the client raises is its answer
            answer = {"error": f"{type(e).__name__}: {e}"[:600]}
        out.write(json.dumps(answer) + "\n")
        if do == "close":
            break
    out.flush()
    os._exit(0)


def login(q, kind="librdkafka"):
    """How this client comes in, in the words of a library; nothing where nobody has to log in."""
    return q["security"][kind] if q.get("security") else {}


class Taken:
    """What was given out: next offsets, which commit() commits."""

    def __init__(self):
        self.next = {}

    def note(self, topic, partition, offset):
        self.next[topic, partition] = offset + 1

    def take(self):
        return dict(self.next)
