"""Changes in a real browser: none to be seen in a console that only reads; with the token every one that there is, each with its plan and its command first;
hostile names; by keyboard, on a phone, and nothing that axe finds."""

import contextlib
import os
import sys

from playwright.sync_api import sync_playwright

from harness.cluster import wait_until
from harness.programs import program
from harness.suite import Suite

pages = program("console/pages.py")
api = program("integration/console_admin.py")
DIALOG = "#change[open]"


def says(window, text):
    """Waits for it in the dialog."""
    window.page.wait_for_selector(f"{DIALOG} >> text={text}")


def unlock(window, token=api.TOKEN):
    window.page.click("#lock")
    window.page.fill(f"{DIALOG} input[name=token]", token)
    window.page.keyboard.press("Enter")


def well(window, size):
    assert window.axe() == [], window.axe()
    wide = window.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page sticks out by {wide} pixels at {size}"


def read_only(browser, cluster):
    """What the broker would refuse is no button either."""
    window = pages.Window(browser, cluster)
    cluster.create("plain", 1)
    for place in ("topics", "topic?name=plain", "topic?name=plain&tab=config", "topic?name=plain&tab=produce"):
        page = window.open(place)
        assert page.inner_text("#mode") == "read-only" and not page.is_visible("#lock")
        if "produce" not in place:
            assert page.query_selector("details.change") is None and "Delete" not in page.inner_text("main"), place
    window.assert_quiet()
    window.close()


def locked(browser, cluster):
    """Without the token every change leads to the lock; a wrong one is refused; Lock forgets it."""
    window = pages.Window(browser, cluster)
    page = window.open("topics")
    page.click("text=Create a topic")
    page.fill("details.change input[name=name]", "never")
    page.keyboard.press("Enter")
    says(window, "Unlock changes")
    page.fill(f"{DIALOG} input[name=token]", "wrong")
    page.keyboard.press("Enter")
    says(window, "a change needs the line Authorization")
    assert window.told and all("401" in line for line in window.told), window.told
    window.told.clear()
    page.keyboard.press("Escape")
    unlock(window)
    pages.until(page, "document.getElementById('mode').textContent === 'changes are unlocked'")
    assert page.evaluate("localStorage.getItem('token')") is None and "token" not in page.evaluate("document.cookie")
    page.click("#lock")
    assert page.inner_text("#mode") == "changes are locked" and page.evaluate("sessionStorage.getItem('token')") is None
    window.assert_quiet()
    window.close()


def one_topic(browser, cluster, size, dark):
    """A topic from its making, which takes no mouse, to its end."""
    window = pages.Window(browser, cluster, size, dark)
    page, name = window.open("topics"), f"typed-{size}-{'dark' if dark else 'light'}"
    unlock(window)
    pages.until(page, "document.getElementById('mode').textContent === 'changes are unlocked'")
    page.focus("details.change summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type("2")
    well(window, size)
    page.keyboard.press("Enter")
    says(window, f"drave topic create {name} -p 2 -r 3")
    well(window, size)
    page.keyboard.press("Enter")
    says(window, "is created")
    page.keyboard.press("Enter")
    wait_until("the new topic", lambda: cluster.get(1, f"/api/topic?name={name}")[0] == 200)
    cluster.wait_leaders(name, in_sync=3)
    page = window.open(f"topic?name={name}&tab=config")
    page.click("text=Change settings")
    page.fill("details.change textarea", "retention.ms=7200000")
    page.click("details.change button[type=submit]")
    says(window, "-> 7200000")
    page.click(f"{DIALOG} >> text=Do it")
    says(window, "Done")
    page.keyboard.press("Enter")
    page.wait_for_selector("main >> text=7200000")
    page = window.open(f"topic?name={name}&tab=produce")
    page.fill("input[name=key]", pages.HOSTILE)
    page.fill("textarea[name=value]", '{"n": 9223372036854775807}')
    page.fill("textarea[name=headers]", "trace=1")
    well(window, size)
    page.click("details.change button[type=submit]")
    says(window, "One record will be appended to partition 0")
    well(window, size)
    page.click(f"{DIALOG} >> text=Do it")
    says(window, "at offset 0")
    page.keyboard.press("Enter")
    page = window.open(f"topic?name={name}&tab=records")
    page.click(".records tbody button")
    page.click("text=Append it once more")
    pages.until(page, "document.querySelector('textarea[name=value]') !== null")
    page.click("details.change button[type=submit]")
    says(window, "One record will be appended")
    page.click(f"{DIALOG} >> text=Do it")
    says(window, "at offset 1")
    page.keyboard.press("Enter")
    records = cluster.ask("records", topic=name)["records"]
    assert len(records) == 2 and records[0]["key"] == records[1]["key"] == {"text": pages.HOSTILE}, records
    assert records[0]["headers"] == records[1]["headers"] and records[1]["value"]["text"] == '{"n": 9223372036854775807}'
    page = window.open(f"topic?name={name}")
    page.click("text=Delete this topic")
    says(window, "Nobody can take that back")
    page.fill(f"{DIALOG} input[name=confirm]", "other")
    page.keyboard.press("Enter")
    says(window, "was not typed as it is")
    well(window, size)
    assert all("400" in line for line in window.told), window.told
    window.told.clear()
    page.fill(f"{DIALOG} input[name=confirm]", name)
    page.keyboard.press("Enter")
    says(window, "is deleted")
    page.keyboard.press("Enter")
    pages.until(page, "location.hash === '#/topics'")
    window.assert_quiet()
    window.close()


def moving(browser, cluster):
    """A group is moved to where its plan says."""
    cluster.create("moved", 2)
    cluster.wait_leaders("moved", in_sync=3)
    for partition in (0, 1):  # 50 each: without a key all may go to one of them
        cluster.drave("produce", "moved", "-p", partition, stdin="".join(f"{i}\n" for i in range(50)))
    pages.group(cluster, "mover <b>", "moved", 100)
    window = pages.Window(browser, cluster, "phone")
    page = window.open("group?name=" + api.urllib.parse.quote("mover <b>"))
    page.click("text=Move this group")
    page.select_option("details.change select[name=to]", "by")
    page.fill("details.change input[name=by]", "-10")
    page.click("details.change button[type=submit]")
    page.fill(f"{DIALOG} input[name=token]", api.TOKEN)
    page.keyboard.press("Enter")
    says(window, "0 records will be skipped, 20 read again")
    assert "drave group seek 'mover <b>' --by -10 --yes" in page.inner_text(DIALOG), page.inner_text(DIALOG)
    well(window, "phone")
    page.click(f"{DIALOG} >> text=Do it")
    says(window, "the group goes on where the plan said")
    page.keyboard.press("Enter")
    ends = {(o["topic"], o["partition"]): int(o["end"]) for o in cluster.ask("group", name="mover <b>")["offsets"]}
    assert api.committed(cluster, "mover <b>") == {place: end - 10 for place, end in ends.items()}
    window.assert_quiet()
    window.close()


# The names that somebody may give: pages show them as they are, and commands quote them for a shell.
NAMES = (pages.HOSTILE, "it's $(touch /tmp/owned) `touch /tmp/owned`; \u202egnp.exe", "-rf \t\n\\")


def proposed(window, what, *texts):
    """The form that `what` begins is sent; the plan says that, and nothing has happened yet."""
    window.page.click(f"{what} >> button[type=submit]")
    window.page.wait_for_selector(f"{DIALOG} >> text=Do it")
    said = window.page.inner_text(DIALOG)
    assert all(text in said for text in texts), (texts, said)


def confirmed(window, text):
    window.page.click(f"{DIALOG} >> text=Do it")
    window.page.wait_for_selector(f"{DIALOG} >> h2:text-is('Done')")
    says(window, text)
    window.page.keyboard.press("Enter")
    window.page.wait_for_selector(DIALOG, state="hidden")


def form(title):
    return f"details.change:has(summary:text-is('{title}'))"


def opened(window, place):
    """A page with its forms; changes are unlocked."""
    page = window.open(place)
    if page.inner_text("#mode") != "changes are unlocked":
        unlock(window)
        pages.until(page, "document.getElementById('mode').textContent === 'changes are unlocked'")
    return page


def placing(browser, cluster):
    """Partitions are added, a lead is moved: plan, command, confirmation; Cancel changes nothing."""
    cluster.create("seats", 2)
    cluster.wait_leaders("seats", in_sync=3)
    window = pages.Window(browser, cluster)
    page = opened(window, "topic?name=seats")
    page.click("text=Add partitions")
    page.fill("input[name=more]", "2")
    proposed(window, form("Add partitions"), "2 -> 4 partitions", "drave topic add-partitions seats -n 2")
    well(window, "desk")
    page.click(f"{DIALOG} >> text=Cancel")
    page.wait_for_selector(DIALOG, state="hidden")
    assert len(cluster.describe("seats")["partitions"]) == 2
    proposed(window, form("Add partitions"), "2 -> 4 partitions")
    confirmed(window, "4 partitions")
    wait_until("four partitions", lambda: len(cluster.describe("seats")["partitions"]) == 4)
    cluster.wait_leaders("seats", in_sync=3)
    window.close()
    window = pages.Window(browser, cluster, "phone", True)
    page = opened(window, "topic?name=seats")
    page.click("text=Move a leader")
    page.select_option("select[name=partition]", "1")
    to = page.input_value("select[name=to]")
    before = cluster.leaders("seats")[1]
    proposed(window, form("Move a leader"), f"broker {to} will lead in place of broker {before}", "drave topic move seats")
    well(window, "phone")
    assert cluster.leaders("seats")[1] == before
    confirmed(window, "lead")
    wait_until("the lead", lambda: cluster.leaders("seats")[1] == int(to))
    window.assert_quiet()
    window.close()


def settings(browser, cluster):
    """What is no value of a setting is refused with the broker's sentence, as text; a name alone goes back to its default."""
    cluster.create("tuned", 1)
    cluster.wait_leaders("tuned", in_sync=3)
    window = pages.Window(browser, cluster)
    page = opened(window, "topic?name=tuned&tab=config")
    page.click("text=Change settings")
    for text in (f"retention.ms={pages.HOSTILE}", f"{pages.HOSTILE}=1"):
        page.fill("textarea[name=settings]", text)
        page.click(f"{form('Change settings')} >> button[type=submit]")
        page.wait_for_selector(f"{DIALOG} >> [role=alert]")
        assert page.query_selector(f"{DIALOG} img, {DIALOG} script") is None and page.query_selector(f"{DIALOG} >> text=Do it") is None
        assert window.told and all("status of 4" in line for line in window.told), window.told
        window.told.clear()
        page.click(f"{DIALOG} >> text=Close")
    for text, now, word in (
        ("retention.ms=9223372036854775807", "9223372036854775807", "topic"),
        ("retention.ms", "its default", "default"),
    ):
        page.fill("textarea[name=settings]", text)
        proposed(window, form("Change settings"), f"-> {now}", "drave topic alter tuned")
        confirmed(window, "Done")
        wait_until(now, lambda word=word: word in cluster.drave("config", "get", "topic:tuned", "retention.ms").stdout)
    window.assert_quiet()
    window.close()


def seeking(browser, cluster):
    """Every way to move a group, and its end, of groups with whatever names: the plan's offsets are what it gets."""
    cluster.create("sought", 1)
    cluster.wait_leaders("sought", in_sync=3)
    cluster.drave("produce", "sought", stdin="".join(f"{i}\n" for i in range(50)))
    long_ago = pages.time.strftime("%Y-%m-%dT%H:%M:%S", pages.time.gmtime(pages.time.time() - 3600))
    for number, name in enumerate(NAMES):
        pages.group(cluster, name, "sought", 50)
        window = pages.Window(browser, cluster, dark=number == 1)
        page = opened(window, "group?name=" + api.urllib.parse.quote_plus(name))
        page.click("text=Move this group")
        for to, field, value, place in (
            ("earliest", None, None, 0), ("latest", None, None, 50), ("offset", "offset", "7", 7), ("by", "by", "-3", 4),
            ("time", "local", long_ago, 0), ("offset", "offset", "9", 9), ("ago", "ago", "1h", 0),
        ):  # fmt: skip
            page.select_option("select[name=to]", to)
            if field:
                page.fill(f"input[name={field}]", value)
            before = api.committed(cluster, name)
            proposed(window, form("Move this group"), "drave group seek", "sought")
            assert api.committed(cluster, name) == before, "a plan has changed something"
            confirmed(window, "the group goes on where the plan said")
            assert api.committed(cluster, name) == {("sought", 0): place}, (to, value, api.committed(cluster, name))
        page.click("text=Delete this group")
        says(window, "drave group delete")
        command = page.inner_text(f"{DIALOG} pre.command")
        page.fill(f"{DIALOG} input[name=confirm]", name.replace("\n", ""))
        well(window, "desk")
        if "\n" in name:  # which nobody can type into a line: the command does it
            page.click(f"{DIALOG} >> text=Cancel")
            cluster.drave("group", "delete", "--", name)
        else:
            assert "\u202e" not in command
            page.keyboard.press("Enter")
            says(window, "is deleted")
            page.keyboard.press("Enter")
        wait_until(
            "the group to be gone", lambda name=name: name not in [g["group"] for g in cluster.drave("group", "list", json_out=True)]
        )
        assert page.title() != "owned" and not os.path.exists("/tmp/owned")
        window.assert_quiet()
        window.close()


def resetting(browser, cluster):
    """A share group is reset to where its plan says, and not before; while it has members that is refused."""
    cluster.create("shared", 1)
    cluster.wait_leaders("shared", in_sync=3)
    cluster.drave("produce", "shared", stdin="".join(f"{i}{'x' * 4000}\n" for i in range(50)))  # more than a pipe takes

    def start(name):
        return [int(one["start"]) for one in cluster.ask("group", name=name)["offsets"]]

    for name, size, dark in (("packing", "desk", False), (pages.HOSTILE, "phone", True)):
        pages.shared(cluster, name, "shared", 20)
        wait_until("what it is done with", lambda name=name: start(name) == [20])
        window = pages.Window(browser, cluster, size, dark)
        page = opened(window, "group?name=" + api.urllib.parse.quote_plus(name))
        page.click("text=Reset this group")
        assert "by" not in page.evaluate("[...document.querySelector('select[name=to]').options].map(o => o.value)")
        for to, field, value, place in (
            ("earliest", None, None, 0),
            ("latest", None, None, 50),
            ("offset", "offset", "7", 7),
            ("ago", "ago", "1h", 0),
        ):
            page.select_option("select[name=to]", to)
            if field:
                page.fill(f"input[name={field}]", value)
            before = start(name)
            proposed(window, form("Reset this group"), "drave share reset", "is forgotten")
            well(window, size)
            assert start(name) == before, "a plan has changed something"
            confirmed(window, "the group goes on where the plan said")
            wait_until("its start", lambda name=name, place=place: start(name) == [place])
        with pages.holding(cluster, name, "shared"):
            page.select_option("select[name=to]", "latest")
            proposed(window, form("Reset this group"), "drave share reset")
            page.click(f"{DIALOG} >> text=Do it")
            says(window, "The group has members")
            assert window.told and all("409" in line for line in window.told), window.told
            window.told.clear()
            page.click(f"{DIALOG} >> text=Cancel")
        assert page.title() != "owned"
        window.assert_quiet()
        window.close()


def draining(browser, cluster):
    """A broker is drained and taken back."""
    cluster.create("spread", 4)
    cluster.wait_leaders("spread", in_sync=3)
    window = pages.Window(browser, cluster)
    page = opened(window, "brokers?id=4")
    page.click("text=Drain this broker")
    says(window, "no new replicas")
    assert "drave broker drain 4" in page.inner_text(DIALOG), page.inner_text(DIALOG)
    well(window, "desk")
    page.keyboard.press("Escape")
    page.wait_for_selector(DIALOG, state="hidden")
    page.click("text=Drain this broker")
    says(window, "no new replicas")
    confirmed(window, "Done")
    wait_until("broker 4 to be drained", lambda: not any(4 in p["replicas"] for p in cluster.describe("spread")["partitions"]), 60)
    page.click("text=Let it get replicas again")
    says(window, "--undo")
    confirmed(window, "Done")
    assert "broker 4 is as any other again" in cluster[1].log_text()
    window.assert_quiet()
    window.close()


def main():
    suite = Suite([a for a in sys.argv[1:] if not a.startswith("-")])
    with sync_playwright() as playwright, contextlib.ExitStack() as left:
        browser = playwright.chromium.launch(executable_path=pages.chromium(), args=["--no-sandbox"] if os.geteuid() == 0 else [])
        left.callback(browser.close)
        with pages.console_api.Seen(1) as cluster:
            suite.run(read_only, browser, cluster, name="console_change_read_only")
        with api.Admin(3) as cluster:
            suite.run(locked, browser, cluster, name="console_change_locked")
            for size, dark in (("desk", False), ("phone", True)):
                suite.run(one_topic, browser, cluster, size, dark, name=f"console_change_topic_{size}")
            suite.run(moving, browser, cluster, name="console_change_group")
            for test in (placing, settings, seeking, resetting):
                suite.run(test, browser, cluster, name=f"console_change_{test.__name__}")
        with api.Admin(4) as cluster:
            suite.run(draining, browser, cluster, name="console_change_draining")
    suite.end()


if __name__ == "__main__":
    main()
