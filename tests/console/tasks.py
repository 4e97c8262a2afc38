"""Ten tasks of an operator, each in the console and on the command line in at most three steps, as docs/operations.md tells them. With --pictures the
pictures there are made anew."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time

from confluent_kafka import Producer
from playwright.sync_api import sync_playwright

from harness.cluster import BIN, ROOT, wait_until
from harness.programs import program
from harness.suite import Suite

pages = program("console/pages.py")
api = program("integration/console_admin.py")
PICTURES = "--pictures" in sys.argv
MOST = 3
MANUAL = (ROOT / "docs/operations.md").read_text().replace("\\|", "|")
HOT = 3  # the partition that gets most


class Desk:
    """An operator: a browser at the overview, and a shell. Every step is counted."""

    def __init__(self, browser, cluster, task):
        self.cluster, self.task, self.steps, self.commands = cluster, task, 0, 0
        self.window = pages.Window(browser, cluster)
        self.page = self.window.open()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            assert 0 < self.steps <= MOST and 0 < self.commands <= MOST, (self.task, self.steps, self.commands)
            self.window.assert_quiet()
        self.window.close()

    def click(self, what):
        self.steps += 1
        self.page.click(what)

    def fill(self, fields, button):
        """A form is one step."""
        self.steps += 1
        for name, value in fields.items():
            field = self.page.wait_for_selector(f"[name={name}]")
            if field.evaluate("e => e.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        self.page.click(button)

    def open(self, place):
        """Where a link on the page leads, with what is chosen there."""
        self.steps += 1
        self.window.open(place)

    def sees(self, *texts, where="main", seconds=20):
        def all_there():
            found = self.page.inner_text(where)
            return all(text in found for text in texts)

        wait_until(f"{texts} in {where}", all_there, seconds)
        if PICTURES:
            self.page.wait_for_timeout(1500)
            self.page.set_viewport_size({"width": 1280, "height": 520 if where == "#change" else 400})
            self.page.screenshot(path=str(ROOT / f"docs/img/task-{self.task}.png"))
            self.page.set_viewport_size({"width": 1280, "height": 900})

    def shell(self, command, *texts, seconds=20):
        """A command line of the manual; until it prints all of that."""
        assert command in MANUAL, f"docs/operations.md does not have: {command}"
        self.commands += 1
        env = dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}", DRAVE_BOOTSTRAP=self.cluster.bootstrap)
        said = []

        def told():
            done = subprocess.run(command, shell=True, check=False, capture_output=True, text=True, env=env, timeout=60)
            said[:] = [done.stdout + done.stderr]
            return all(text in said[0] for text in texts)

        try:
            wait_until(command, told, seconds)
        except TimeoutError as e:
            raise TimeoutError(f"{e}: {texts}: {said[0][-1500:]}") from e
        return said[0]


def unlocked(desk):
    """Admin mode is unlocked once in a tab; that is no part of a task."""
    desk.page.click("#lock")
    desk.page.fill("#change[open] input[name=token]", api.TOKEN)
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_selector("text=changes are unlocked")


# ---- The tasks ----


def lagging_group(desk):
    desk.click("main a >> text=billing")
    desk.sees("Nobody consumes", "Behind")
    desk.shell("drave top --view g --once", "billing")
    desk.shell("drave group why billing", "billing", "no_members")


def hot_partition(desk):
    desk.open("topic?name=orders")
    desk.sees("Busiest", f"partition {HOT}:")
    moved = desk.shell("drave topic offsets orders --at @-30s", "orders")
    ends = {int(r.split()[1]): int(r.split()[3]) - int(r.split()[5]) for r in moved.splitlines()[1:] if r.split()[5] != "-"}
    assert max(ends, key=ends.get) == HOT, moved


def slow_disk(desk):
    desk.sees("Sync 99 %")
    desk.click("nav >> text=Brokers")

    def slowest():
        return [
            line for line in desk.page.inner_text("main").splitlines() if line.startswith("2 ") and ("100 ms" in line or "200 ms" in line)
        ]

    wait_until("the slow disk of broker 2", slowest, 40)
    desk.sees("Sync 99 %")
    told = desk.shell("drave top --once", "SYNC")
    assert any(line.startswith("2") and " ms" in line for line in told.splitlines()), told


def producers_of(desk):
    desk.open("topic?name=orders&tab=clients")
    desk.sees("Who produces", "checkout")
    desk.shell("drave client list orders", "produces", "checkout")


def stoppable(desk):
    desk.click("nav >> text=Brokers")
    desk.click("main table a >> text=2")
    desk.sees("It may be stopped")
    desk.shell("drave broker stoppable 2", "stoppable")


def around_ten(desk):
    at = int(time.time()) - 300
    desk.open("topic?name=orders&tab=records")
    desk.page.select_option("select[name=from]", "time")
    desk.fill({"time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))}, "main button[type=submit]")
    pages.until(desk.page, "document.querySelectorAll('.records tbody tr').length >= 20")
    times = desk.page.evaluate("[...document.querySelectorAll('.records td.when')].map(e => e.innerText)")
    assert min(times) >= time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)), times
    desk.sees("order-")
    told = desk.shell("drave consume orders -o @-5m -n 5 -f '%p %o %T %k\\n'", "order-")
    assert all(int(line.split()[2]) >= (at - 60) * 1000 for line in told.splitlines() if "order-" in line), told


def one_record(desk):
    desk.open("topic?name=orders&tab=records&from=oldest")
    desk.fill({"json": "/customer=c-42"}, "main button[type=submit]")
    desk.sees("c-42", "31 shown")
    told = desk.shell("drave consume orders -o beginning -e --json | grep c-42", "c-42")
    assert len(told.splitlines()) == 31, told[-500:]


def move_group(desk):
    unlocked(desk)
    desk.open("group?name=billing")
    desk.page.click("text=Move this group")
    desk.page.select_option("details.change select[name=to]", "ago")
    desk.fill({"ago": "1h"}, "details.change button[type=submit]")
    desk.page.wait_for_selector("#change[open] >> text=read again")
    desk.sees("drave group seek billing --to @-1h --yes", where="#change")
    desk.click("#change >> text=Do it")
    desk.page.wait_for_selector("#change >> text=the group goes on")
    assert set(api.committed(desk.cluster, "billing").values()) == {0}
    desk.shell("drave group seek billing --to @-1h", "with --yes these offsets are committed")
    desk.shell("drave group seek billing --to @-1h --yes", "orders")


def retention(desk):
    unlocked(desk)
    desk.open("topic?name=orders&tab=config")
    desk.page.click("text=Change settings")
    desk.fill({"settings": "retention.ms=259200000"}, "details.change button[type=submit]")
    desk.page.wait_for_selector("#change[open] >> text=259200000")
    desk.sees("drave topic alter orders -c retention.ms=259200000", where="#change")
    desk.click("#change >> text=Do it")
    desk.page.wait_for_selector("#change >> text=Done")
    wait_until("three days", lambda: "259200000" in desk.cluster.drave("config", "get", "topic:orders").stdout)
    desk.cluster.drave("config", "unset", "topic:orders", "retention.ms")
    desk.shell("drave config set topic:orders retention.ms=259200000")
    desk.shell("drave config get topic:orders retention.ms", "259200000")


def what_happened(desk):
    desk.cluster[3].kill()
    desk.cluster[3].start(ready=True)
    desk.click("nav >> text=Events")
    desk.sees("its leader was dead", "broker 3")
    desk.shell("drave events --since 1h", "its leader was dead", "broker 3")


TASKS = (
    lagging_group,
    hot_partition,
    slow_disk,
    producers_of,
    stoppable,
    around_ten,
    one_record,
    move_group,
    retention,
    what_happened,
)


# ---- The cluster ----


class Traffic(threading.Thread):
    """A shop that goes on selling: most of it into one partition."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.producer, self.over = Producer({"bootstrap.servers": cluster.bootstrap, "client.id": "checkout"}), threading.Event()

    def run(self):
        n = 0
        while not self.over.wait(0.1):
            for i in range(20):
                value = json.dumps({"order": n, "customer": "walk-in", "paid": True})
                self.producer.produce("orders", key=f"order-w{n}", value=value, partition=HOT if i else n % 6)
                n += 1
            self.producer.poll(0)

    def end(self):
        self.over.set()
        self.join()
        self.producer.flush(10)


def slow_library():
    library = pages.BUILD / "slow_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(ROOT / "tests/console/slow_disk.c"), "-ldl"], check=True)
    return library


def fill(cluster):
    cluster.create("orders", 6)
    cluster.wait_leaders("orders", in_sync=3)
    producer, now = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 20}), int(time.time() * 1000)
    for i in range(3000):
        value = json.dumps({"order": 9007199254740993 + i, "customer": f"c-{i % 97}", "paid": i % 3 == 0})
        producer.produce("orders", key=f"order-{i}", value=value, timestamp=now - (3000 - i) * 200)
        producer.poll(0)
    producer.flush()
    pages.group(cluster, "billing", "orders", 900)


def main():
    suite = Suite([a for a in sys.argv[1:] if not a.startswith("-")])
    cluster = api.Admin(3)
    cluster[2].wrapper = ["env", f"LD_PRELOAD={slow_library()}"]
    with cluster, sync_playwright() as playwright, contextlib.ExitStack() as left:
        browser = playwright.chromium.launch(executable_path=pages.chromium(), args=["--no-sandbox"] if os.geteuid() == 0 else [])
        left.callback(browser.close)
        fill(cluster)
        traffic = Traffic(cluster)
        traffic.start()
        left.callback(traffic.end)
        for number, task in enumerate(TASKS, 1):

            def one(task=task, number=number):
                with Desk(browser, cluster, number) as desk:
                    task(desk)
                return f"{desk.steps} steps, {desk.commands} commands"

            suite.run(one, name=f"console_task_{number}_{task.__name__}")
    suite.end()


if __name__ == "__main__":
    main()
