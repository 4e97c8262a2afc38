"""The console's pages in a real browser: each of them in light and dark and on a phone, by keyboard alone, judged by axe; hostile payloads stay text; a
broker is killed meanwhile. With --pictures the pictures of docs/ are made anew."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer
from playwright.sync_api import sync_playwright

from harness.cluster import BIN, ROOT, wait_until
from harness.programs import program
from harness.suite import Suite

console_api = program("integration/console.py")

BUILD = Path(os.environ.get("DRAVE_BUILD", ROOT / "build"))
AXE = BUILD / "node-console/node_modules/axe-core/axe.min.js"
PICTURES = "--pictures" in sys.argv
SIZES = {"desk": (1280, 900), "phone": (360, 740)}
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
HOSTILE_SHARE = "share " + HOSTILE


def fill(cluster):
    """Topics, records, groups that keep up and one that does not."""
    for topic, partitions in (("orders", 6), ("payments", 3), ("audit", 1), ("clicks", 12)):
        cluster.create(topic, partitions)
    cluster.wait_leaders("orders", in_sync=3)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 20, "compression.type": "zstd"})
    now = int(time.time() * 1000)
    for i in range(3000):
        value = json.dumps(
            {"order": 9007199254740993 + i, "customer": f"c-{i % 97}", "items": [{"sku": f"A{i % 13}", "n": i % 5 + 1}], "paid": i % 3 == 0}
        )
        producer.produce(
            "orders", key=f"order-{i}", value=value, timestamp=now - (3000 - i) * 200, headers=[("trace", f"{i:016x}".encode())]
        )
        producer.produce("clicks", value=f"/page/{i % 40}")
        producer.poll(0)
    producer.produce("audit", key=HOSTILE, value=HOSTILE, headers=[(HOSTILE, HOSTILE.encode())])
    producer.produce("audit", key=b"\xff\x00\xfe", value=b"\x00\x01\x02")
    producer.produce("audit", key="direction", value="abc\u202edef\u200bghi")
    producer.produce("audit", key="number", value='{"n":9223372036854775807,"deep":{"a":[1,{},[]],"s":"x\\"y"}}')
    producer.produce("audit", key="large", value=b"long " * 150000)
    producer.produce("audit", key="null", value=None)
    producer.flush()
    group(cluster, "billing", "orders", 900)
    group(cluster, "web-statistics" if PICTURES else HOSTILE, "clicks", 3000)
    for name in () if PICTURES else ("packing", HOSTILE_SHARE):
        shared(cluster, name, "orders", 40)
    return group(cluster, "search-index", "orders", 3000, keep=True)


def group(cluster, name, topic, count, keep=False):
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": name,
            "client.id": "reader",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    got = []
    wait_until(f"records for {name}", lambda: got.extend(consumer.consume(count - len(got), 1)) or len(got) >= count, 60)
    consumer.commit(asynchronous=False)
    if not keep:
        consumer.close()
    return consumer


def shared(cluster, name, topic, count):
    """A share group that is done with so many records."""
    cluster.drave("config", "set", f"group:{name}", "share.auto.offset.reset=earliest")
    cluster.drave("consume", topic, "--share", name, "-n", count)


@contextlib.contextmanager
def holding(cluster, name, topic):
    """A member that keeps what it got: nobody reads what it prints."""
    process = subprocess.Popen(
        [str(BIN / "drave"), "consume", topic, "--share", name, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ, DRAVE_BOOTSTRAP=cluster.bootstrap),
    )
    try:
        wait_until("records that are held", lambda: any(int(o["acquired"] or 0) for o in cluster.ask("group", name=name)["offsets"]), 60)
        yield
    finally:
        process.kill()
        process.wait()


# ---- A browser ----


class Window:
    def __init__(self, browser, cluster, size="desk", dark=False, broker=1):
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            bypass_csp=False,
            timezone_id="UTC",
            reduced_motion="reduce",
        )
        self.page, self.told, self.session = self.context.new_page(), [], None
        self.page.on("console", lambda message: self.told.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.base = f"http://127.0.0.1:{cluster.http[broker]}/"
        self.page.set_default_timeout(15000)

    def work_ms(self):
        """What this page has cost so far, as the time of the thread that runs its script, its style and its layout: the same on a machine that is busy."""
        if self.session is None:
            self.session = self.context.new_cdp_session(self.page)
            self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        told = {m["name"]: m["value"] for m in self.session.send("Performance.getMetrics")["metrics"]}
        return 1000 * sum(told[f"{part}Duration"] for part in ("Script", "RecalcStyle", "Layout"))

    def open(self, place=""):
        self.page.goto(self.base + "#/" + place)
        self.page.wait_for_selector("main h1")
        return self.page

    def assert_quiet(self):
        assert not self.told, self.told

    def axe(self):
        """What axe finds, on this very page: its script comes past the policy, as that of a tester."""
        session = self.context.new_cdp_session(self.page)
        found = session.send(
            "Runtime.evaluate",
            {
                "expression": AXE.read_text() + ";axe.run(document,{runOnly:['wcag2a','wcag2aa','wcag21a','wcag21aa','best-practice']})"
                ".then(r=>JSON.stringify(r.violations.map(v=>[v.id,v.nodes.slice(0,3).map(n=>n.html+' '+n.failureSummary)])))",
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        return json.loads(found["result"]["value"])

    def close(self):
        self.context.close()


def until(page, expression):
    """Asked from outside: a page's own waiting would need eval, which the policy forbids."""
    wait_until(expression, lambda: page.evaluate(expression), 15)


def places():
    name, share = (console_api.urllib.parse.quote_plus(text) for text in (HOSTILE, HOSTILE_SHARE))
    return {
        "overview": "",
        "topics": "topics",
        "topic": "topic?name=orders",
        "config": "topic?name=orders&tab=config",
        "records": "topic?name=orders&tab=records",
        "hostile": "topic?name=audit&tab=records",
        "groups": "groups",
        "group": "group?name=billing",
        "hostile-group": f"group?name={name}",
        "share-group": "group?name=packing",
        "hostile-share-group": f"group?name={share}",
        "brokers": "brokers",
        "broker": "brokers?id=2",
        "clients": "clients",
        "topic-clients": "topic?name=orders&tab=clients",
        "events": "events",
        "meta": "meta",
        "meta-topics": "meta?path=/topics",
        "meta-topic": "meta?path=/topics/orders",
    }


# ---- Tests ----


def each_page(browser, cluster):
    """Light and dark, at a desk and on a phone: no complaint of the policy, nothing that axe finds, nothing that sticks out; none costs the browser 50 ms."""
    slowest, work = (0, ""), {}
    for size in SIZES:
        for dark in (False, True):
            window = Window(browser, cluster, size, dark)
            for name, place in places().items():
                window.page.goto("about:blank")
                began, before = time.monotonic(), window.work_ms()
                page = window.open(place)
                work[name] = min(window.work_ms() - before, work.get(name, 1e9))
                slowest = max(slowest, (time.monotonic() - began, name))
                if name == "overview":
                    until(page, "document.querySelectorAll('.tile polyline').length >= 3")
                found = window.axe()
                assert found == [], (size, dark, name, found)
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert wide <= 0, f"{name} sticks out by {wide} pixels at {size}"
                page.screenshot(path=str(BUILD / f"console-{name}-{size}-{'dark' if dark else 'light'}.png"))
                window.assert_quiet()
            window.close()
    most = max(work, key=work.get)
    assert work[most] < 50, f"{most} costs the browser {work[most]:.0f} ms"
    return (
        f"{4 * len(places())} looks, the slowest is there after {slowest[0] * 1000:.0f} ms ({slowest[1]}); {most} costs {work[most]:.0f} ms"
    )


def hostile(browser, cluster):
    """What records, groups and their members hold is text, whatever it looks like; numbers stay what they are."""
    window = Window(browser, cluster)
    page = window.open("topic?name=audit&tab=records")
    page.wait_for_selector(".records tbody tr")
    text = page.inner_text(".records")
    assert (
        HOSTILE in text
        and "ff 00 fe" in text
        and "\\u202e" in text
        and "\\u200b" in text
        and "9223372036854775807" in text
        and "null" in text
    ), text[:2000]
    for button in page.query_selector_all(".records button"):
        button.click()
    until(page, "document.querySelector('.records').innerText.split('long ').length > 100000")
    text = page.inner_text(".records")
    assert '"n": 9223372036854775807,' in text and '"s": "x\\"y"' in text, text[-3000:]
    assert page.query_selector("main img") is None and page.query_selector("main script") is None and "owned" not in page.title()
    page = window.open(places()["hostile-group"])
    assert page.inner_text("h1") == HOSTILE and page.query_selector("main img") is None
    window.assert_quiet()
    window.close()


def sharing(browser, cluster):
    """A share group: found in the list by keyboard, with what its members hold; its numbers are exact however large, and what nobody says is no 0."""
    window = Window(browser, cluster)
    page = window.open("groups")
    page.keyboard.press("/")
    page.keyboard.type("packing")
    until(page, "document.querySelectorAll('main tbody tr').length === 1")
    assert "share" in page.inner_text("main tbody tr"), page.inner_text("main tbody tr")
    page.keyboard.press("Tab")
    until(page, "document.activeElement !== null")
    for _ in range(12):
        if page.evaluate("document.activeElement.textContent") == "packing":
            break
        page.keyboard.press("Tab")
    with holding(cluster, "packing", "orders"):
        page.keyboard.press("Enter")
        until(page, "document.querySelector('h1') && document.querySelector('h1').textContent === 'packing'")
        until(page, "/\\d of 2,000/.test(document.querySelector('main').innerText)")
        text = page.inner_text("main")
        assert "Share" in text or "share" in text, text
        assert re.search(r"Members\s+1", text) and "drave group why packing" in text and "Committed" not in text, text
        assert window.axe() == []
    window.assert_quiet()
    told = cluster.ask("group", name="packing")
    most = "9223372036854775807"
    told["offsets"] = [
        {**told["offsets"][0], "start": most, "end": most, "lag": most, "acquired": most, "acquired_most": most, "retried": most},
        {**told["offsets"][0], "partition": 99, **dict.fromkeys(("start", "end", "lag", "acquired", "waiting", "retried", "deliveries"))},
    ]
    page.route("**/api/group?*", lambda route: route.fulfill(json=told))
    page.goto("about:blank")
    page = window.open("group?name=packing")
    exact, unknown = (row.split("\t") for row in page.inner_text("table:has-text('Not done from') tbody").split("\n"))
    assert exact[2].replace(",", "") == exact[3].replace(",", "") == most and exact[6].count("9,223,372,036,854,775,807") == 2, exact
    assert not any("0" in cell for cell in unknown[2:5] + unknown[6:9]), unknown
    assert window.axe() == []
    page.unroute("**/api/group?*")
    page = window.open(places()["hostile-share-group"])
    assert page.inner_text("h1") == HOSTILE_SHARE and page.query_selector("main img") is None and page.title() != "owned"
    window.assert_quiet()
    window.close()


def keyboard(browser, cluster):
    """Without a mouse: jump, search, sort, open, and leave."""
    window = Window(browser, cluster)
    page = window.open()
    page.keyboard.press("g")
    page.keyboard.press("t")
    until(page, "document.title.startsWith('Topics')")
    page.wait_for_selector("tbody a")
    page.keyboard.press("/")
    page.keyboard.type("pay")
    until(page, "document.querySelectorAll('main tbody tr').length === 1")
    assert page.evaluate("document.activeElement.type") == "search", "the search lost the focus"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "payments"
    page.keyboard.press("Enter")
    until(page, "document.querySelector('h1') && document.querySelector('h1').textContent === 'payments'")
    for key, title in (("g", "Groups"), ("b", "Brokers"), ("c", "Clients"), ("e", "Events"), ("o", "Overview")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        until(page, f"document.title.startsWith('{title}')")
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("Escape")
    assert not page.is_visible("#help")
    page.keyboard.press("Tab")
    seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert seen == "solid", "the focus cannot be seen"
    window.assert_quiet()
    window.close()


def searching(browser, cluster):
    """Records by an offset, a time, what they have; new ones as they come."""
    window = Window(browser, cluster)
    page = window.open("topic?name=orders&tab=records")
    page.select_option("select[name=from]", "oldest")
    page.wait_for_selector("main h1")
    page.fill("input[name=value]", '"c-42"')
    page.click("button[type=submit]")
    until(page, "document.querySelector('.pager').innerText.includes('3,000 records')")
    assert "31 shown" in page.inner_text(".pager"), page.inner_text(".pager")
    page = window.open("topic?name=orders&tab=records&from=oldest")
    page.fill("input[name=json]", "/customer=c-42")
    page.click("button[type=submit]")
    until(page, "document.querySelector('.pager').innerText.includes('31 shown, 3,000 records')")
    page = window.open("topic?name=orders&tab=records")
    page.wait_for_selector(".records tbody tr")
    shown = page.evaluate("document.querySelectorAll('.records tbody tr').length")
    page.click("text=Older")
    until(page, f"document.querySelectorAll('.records tbody tr').length > {shown}")
    keys = page.evaluate("[...document.querySelectorAll('.records tbody tr')].map(r => r.cells[3].innerText)")
    assert len(keys) == len(set(keys)) and keys[0] == "order-2999", keys[:3]
    page = window.open("topic?name=payments&tab=records")
    page.click("text=Follow")
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    producer.produce("payments", value="just now")
    producer.flush()
    page.wait_for_selector("text=just now")
    window.assert_quiet()
    window.close()


def saved(browser, cluster):
    """What is shown is saved, whole, and produce makes every record of it again."""
    window = Window(browser, cluster)
    page = window.open("topic?name=audit&tab=records&from=oldest")
    page.wait_for_selector(".records tbody tr")
    with page.expect_download() as download:
        page.click("button:text-is('Save')")
    assert download.value.suggested_filename == "audit.ndjson"
    text = Path(download.value.path()).read_text()
    cluster.create("again", 1)
    cluster.wait_leaders("again")
    cluster.drave("produce", "again", "--json", stdin=text)

    def records(topic):
        lines = cluster.drave("consume", topic, "-o", "beginning", "-e", "--json").stdout.splitlines()
        return [{**json.loads(line), "topic": ""} for line in lines]

    assert len(records("audit")) == 6 and records("again") == records("audit")
    assert "not saved" not in page.inner_text(".pager")
    window.assert_quiet()
    window.close()


def tree(browser, cluster):
    """The metadata is browsed from its root to a partition, by clicks alone; a place that is not there says so."""
    window = Window(browser, cluster)
    page = window.open("brokers")
    page.click("text=The metadata as a tree")
    for name in ("topics", "orders", "partitions", "3"):
        page.wait_for_selector(f"main tbody a:text-is('{name}')")
        page.click(f"main tbody a:text-is('{name}')")
    until(page, "document.querySelector('main h1 + p')?.innerText.replace(/ /g, '') === '/topics/orders/partitions/3'")
    until(page, "document.querySelector('main pre.value')?.innerText.includes('\"leader_epoch\":')")
    page.click("main .crumb a:text-is('orders')")
    until(page, "document.querySelector('main pre.value')?.innerText.includes('\"name\": \"orders\"')")
    window.assert_quiet()
    page.goto(window.base + "#/meta?path=/nowhere")
    until(page, "document.getElementById('trouble').innerText.includes('there is no /nowhere')")
    assert all("404" in line for line in window.told), window.told
    window.close()


def many_topics(browser):
    """Ten thousand topics are a page like another."""
    with console_api.Seen(1) as cluster:
        console_api.many(cluster)
        window = Window(browser, cluster)
        began = time.monotonic()
        page = window.open("topics")
        page.wait_for_selector("tbody a")
        took = time.monotonic() - began
        page.keyboard.press("/")
        page.keyboard.type("many-09999")
        until(page, "document.querySelectorAll('main tbody tr').length === 1")
        assert took < 3, f"the list was there after {took:.1f} s"
        window.assert_quiet()
        window.close()
    return f"{took * 1000:.0f} ms"


def broker_killed(browser, cluster):
    """The page that another broker serves tells of it by itself; the one that it served says so, and is well again when it is back."""
    window, other = Window(browser, cluster), Window(browser, cluster, broker=3)
    page, page3 = window.open(), other.open("topics")
    cluster[3].kill()
    page.wait_for_selector(".state.bad >> text=Broker 3", timeout=20000)
    page3.wait_for_selector("#trouble:not([hidden])", timeout=20000)
    assert "has not answered since" in page3.inner_text("#trouble") and page3.query_selector("tbody tr"), page3.inner_text("#trouble")
    assert window.axe() == [] and other.axe() == []
    cluster[3].start(ready=True)
    page.wait_for_selector(".state.good", timeout=30000)
    page3.wait_for_selector("#trouble", state="hidden", timeout=20000)
    window.assert_quiet()
    window.close()
    other.close()


def pictures(browser, cluster):
    """For docs/: small, and of what this test has made."""
    folder = ROOT / "docs/img"
    folder.mkdir(exist_ok=True)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 20})
    for name, place, dark in (
        ("overview", "", False),
        ("records", "topic?name=orders&tab=records&limit=50", True),
        ("group", "group?name=billing", False),
    ):
        window = Window(browser, cluster, dark=dark)
        page = window.open(place)
        for _ in range(200 if name == "overview" else 1):
            for i in range(20):
                producer.produce("clicks", value=f"/page/{i}")
            producer.poll(0)
            page.wait_for_timeout(100)
        if name == "records":
            page.click(".records tbody tr:nth-child(2) button")
        page.screenshot(path=str(folder / f"console-{name}.png"), clip={"x": 0, "y": 0, "width": 1280, "height": 860})
        window.close()
    producer.flush()


def chromium():
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert found, "there is no Chromium; deploy/install-deps --console installs it"
    return found


def main():
    suite = Suite([a for a in sys.argv[1:] if not a.startswith("-")])
    with console_api.Seen(3) as cluster, sync_playwright() as playwright, contextlib.ExitStack() as left:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"] if os.geteuid() == 0 else [])
        left.callback(browser.close)
        reader = fill(cluster)
        left.callback(reader.close)
        if PICTURES:
            suite.run(pictures, browser, cluster, name="console_pictures")
            suite.end()
        suite.run(each_page, browser, cluster, name="console_each_page")
        suite.run(hostile, browser, cluster, name="console_hostile")
        suite.run(sharing, browser, cluster, name="console_sharing")
        suite.run(keyboard, browser, cluster, name="console_keyboard")
        suite.run(searching, browser, cluster, name="console_searching")
        suite.run(saved, browser, cluster, name="console_saved")
        suite.run(tree, browser, cluster, name="console_tree")
        suite.run(many_topics, browser, name="console_many_topics_page")
        suite.run(broker_killed, browser, cluster, name="console_broker_killed")
    suite.end()


if __name__ == "__main__":
    main()
