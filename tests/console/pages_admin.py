"""Changes in a real browser: none to be seen in a console that only reads; with the token topics, settings, records and groups, each with its plan and its
command first; by keyboard, on a phone, and nothing that axe finds."""

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
    suite.end()


if __name__ == "__main__":
    main()
