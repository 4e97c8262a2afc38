"""A process of somebody's client, driven by lines: one JSON object asks, one answers.

Happy path: `Member(command, settings)` starts it, `ask("poll", count=10)` sends a line and returns the answer. Failures: an answer with
"error" is Refused; a process that ended, or that does not answer in time, is Refused, too, with the end of what it said on stderr.
Invariant: one question is under way at a time.

What a driver understands (all of tests/compat/drivers speak it; a client that cannot do one is not asked to: clients.py):

    hello                                               {client}
    open     group, topics | pattern, reset, ...        joins: see job.py, Job.member
    assign   group, partitions [[topic, p, offset?]]    a consumer without membership; no offset: from the committed one, else reset
    poll     count, timeout_ms                          {records: [[topic, partition, offset, value]]}: at most count, as soon as they are there
    assigned                                            {partitions: [[topic, p]], rebalances}
    commit   async                                      what poll has given out
    committed partitions                                {offsets: [offset | null]}
    seek     topic, partition, offset
    pause, resume  partitions
    acknowledge records, set, alter, forget, groups     of share groups (sharing.py)
    close                                               leaves the group (a static member does not) and ends
    list, describe, delete, alter, offsets              administration of groups
    producer id, txn_timeout_ms, session                a transactional producer; session: open follows, of a consumer whose offsets go into transactions
    begin
    send     records [[topic, partition, value]]        into the transaction; answered when all are acknowledged
    add_offsets                                         what poll has given out goes into the transaction
    end      commit                                     commits it, or aborts
"""

import json
import os
import queue
import signal
import subprocess
import threading


class Refused(Exception):
    pass


class Member:
    def __init__(self, command, settings, environment=None, log=None, patience=60):
        """patience: how many seconds an answer may take."""
        self.settings, self.log, self.patience = settings, log, patience
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(log, "ab") if log else subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env=dict(os.environ, **(environment or {})),
        )
        self.answers = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                self.answers.put(json.loads(line))
        self.answers.put(None)

    def send(self, do, **more):
        try:
            self.process.stdin.write(json.dumps({"do": do, **self.settings, **more}) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError) as e:
            raise Refused(f"{do}: the client has ended: {self.last_words()}") from e

    def receive(self, do, seconds=None):
        seconds = seconds or self.patience
        try:
            answer = self.answers.get(timeout=seconds)
        except queue.Empty:
            self.kill()  # a late answer would be taken for that to another question
            raise Refused(f"{do}: no answer within {seconds} s") from None
        if answer is None:
            raise Refused(f"{do}: the client ended with {self.process.wait()}: {self.last_words()}")
        if "error" in answer:
            raise Refused(f"{do}: {answer['error']}")
        return answer

    def ask(self, do, seconds=None, **more):
        self.send(do, **more)
        return self.receive(do, seconds)

    def last_words(self):
        if not self.log or not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace") as f:
            return f.read()[-400:].strip()

    def kill(self):
        """kill -9 of the client and what it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self):
        """Leaves in good order."""
        self.ask("close")
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Refused("close: the client did not end within 20 s") from None
