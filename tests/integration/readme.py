"""Does what every block of the README shows, in its order, and compares the output with what it shows. tests/run readme

A ```text block is what the block before it prints: each of its lines must come, in this order; "…" stands for anything; lines in between are
fine. `properties` blocks are checked by draved itself.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.cluster import BIN, ROOT
from harness.suite import Suite

LIMIT = 900


def blocks(text):
    return [(m.group(1), m.group(2)) for m in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)]


class Reader:
    """A newcomer in a directory of his own: a copy of the tracked files, one shell that keeps its environment."""

    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="drave-readme-"))
        self.place = self.home / "drave"
        files = (
            subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True).stdout.split(b"\0")
            if (ROOT / ".git").exists()
            else None
        )
        if files:
            for name in filter(None, files):
                source, target = ROOT / name.decode(), self.place / name.decode()
                if source.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, target)
        else:
            shutil.copytree(ROOT, self.place, ignore=shutil.ignore_patterns("build", "drave-*"))
        self.kafkajs = ROOT / "build" / "kafkajs"
        self.environment = self.home / "environment"
        # What the release build has compiled is found in the compiler's cache from another directory, too.
        self.environment.write_text(f'export CCACHE_BASEDIR="{self.place}" CCACHE_NOHASHDIR=1\n')

    def run(self, language, code):
        if language == "sh":
            done = subprocess.run(
                [
                    "bash",
                    "-c",
                    f"set -e; [ ! -f {self.environment} ] || . {self.environment}; cd {self.place}\n{{\n{code}\n}} 2>&1\nexport -p > {self.environment}",
                ],
                capture_output=True,
                text=True,
                timeout=LIMIT,
            )
        elif language == "python":
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT)
        elif language == "js":
            if not (self.kafkajs / "node_modules").exists():
                self.kafkajs.mkdir(parents=True, exist_ok=True)
                subprocess.run(
                    ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(self.kafkajs), "kafkajs@2.2.4"],
                    check=True,
                    capture_output=True,
                )
            done = subprocess.run(["node", "-e", code], capture_output=True, text=True, timeout=LIMIT, cwd=self.kafkajs)
        else:
            conf = self.home / "draved.conf"
            conf.write_text(code)
            done = subprocess.run([str(BIN / "draved"), "--config", str(conf), "--check"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{language} block ended with {done.returncode}: {(done.stdout + done.stderr)[-600:]}"
        return done.stdout

    def close(self):
        for name in ("drave-dev", "drave-quickstart"):
            subprocess.run([str(BIN / "drave"), "dev", "stop", "--dir", str(self.place / name)], capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)


def shows(output, wanted):
    lines, at = output.splitlines(), 0
    for want in wanted.splitlines():
        pattern = re.compile(r"\s+".join(".*".join(re.escape(part) for part in word.split("…")) for word in want.split()))
        while at < len(lines) and not pattern.search(lines[at]):
            at += 1
        assert at < len(lines), f'"{want}" did not come in:\n{output[-1500:]}'
        at += 1


def readme():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 150, "the README has 150 lines or more"
    reader, output, count = Reader(), "", 0
    try:
        for language, code in blocks(text):
            if language == "text":
                shows(output, code)
            else:
                output = reader.run(language, code)
                count += 1
    finally:
        reader.close()
    return f"{count} blocks"


def links():
    """Every file that the README and the documents name is there."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target} is missing"


def pages():
    """The pages about settings, metrics and events say what the program says; that of the APIs is compared with their table by unit_protocol_api_table."""
    settings = subprocess.run([str(BIN / "draved"), "--help-config"], capture_output=True, text=True, check=True).stdout
    assert blocks((ROOT / "docs/configuration.md").read_text())[-1] == ("text", settings), (
        "docs/configuration.md is not what draved --help-config prints"
    )
    metrics = subprocess.run([str(BIN / "draved"), "--help-metrics"], capture_output=True, text=True, check=True).stdout
    assert blocks((ROOT / "docs/metrics.md").read_text())[-1] == ("text", metrics), (
        "docs/metrics.md is not what draved --help-metrics prints"
    )
    events = subprocess.run([str(BIN / "draved"), "--help-events"], capture_output=True, text=True, check=True).stdout
    assert blocks((ROOT / "docs/events.md").read_text())[-1] == ("text", events), "docs/events.md is not what draved --help-events prints"


suite = Suite()
suite.run(links)
suite.run(pages)
suite.run(readme)
suite.end()
