"""What the compiler and the linker do against mistakes in memory is in the programs that are delivered; the list of their libraries is whole."""

import json
import os
import re
import subprocess
from pathlib import Path

from harness.suite import Suite

ROOT, BIN = Path(os.environ["DRAVE_ROOT"]), Path(os.environ["DRAVE_BIN"])
PROGRAMS = ("draved", "drave")


def read(*words):
    return subprocess.run(["readelf", "-W", *words], capture_output=True, text=True, check=True).stdout


def programs():
    """Placed by chance (PIE), tables that are not written any more (RELRO, now), no stack that runs, guarded stacks, checked copies."""
    for name in PROGRAMS:
        program = BIN / name
        segments, dynamic, symbols = read("-l", program), read("-d", program), read("--dyn-syms", program)
        assert "DYN (Position-Independent Executable file)" in read("-h", program), f"{name} is no PIE"
        assert "GNU_RELRO" in segments, f"{name} has no RELRO"
        assert re.search(r"BIND_NOW|Flags:.*NOW", dynamic), f"{name} binds late"
        stack = re.search(r"GNU_STACK.* ([RWE ]{3}) 0x", segments)
        assert stack and "E" not in stack[1], f"the stack of {name} runs: {stack and stack[1]}"
        assert not re.search(r"LOAD.* RWE 0x", segments), f"{name} has memory that is written and runs"
        assert "__stack_chk_fail" in symbols, f"the stacks of {name} are not guarded"
        checked = set(re.findall(r"__(\w+)_chk\b", symbols))
        assert checked >= {"memcpy", "snprintf"}, f"copies of {name} are not checked: {sorted(checked)}"


def bill():
    """deploy/sbom lists each library that the programs load, with its package and version, as CycloneDX."""
    done = subprocess.run([ROOT / "deploy/sbom", *(BIN / name for name in PROGRAMS)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["bomFormat"] == "CycloneDX" and told["specVersion"] == "1.5", told
    assert told["metadata"]["component"]["name"] == "drave"
    names = {one["name"]: one for one in told["components"]}
    for library in (
        "libuv1",
        "liblz4-1",
        "libzstd1",
        "libsnappy1v5",
        "zlib1g",
        "libssl3",
        "libjansson4",
        "librdkafka1",
        "libraft0",
        "libc6",
    ):
        found = [one for name, one in names.items() if name.removesuffix("t64") == library]
        assert found and found[0]["version"] and found[0]["purl"].startswith("pkg:deb/debian/"), (library, sorted(names))
    loaded = set()
    for name in PROGRAMS:
        text = subprocess.run(["ldd", BIN / name], capture_output=True, text=True, check=True).stdout
        loaded |= {os.path.realpath(path) for path in re.findall(r"(/\S+)", text)}
    listed = {path for one in told["components"] for path in one["evidence"]["occurrences"] for path in [path["location"]]}
    assert loaded == listed, loaded ^ listed
    nothing = subprocess.run([ROOT / "deploy/sbom", "/no/such"], capture_output=True, text=True)
    assert nothing.returncode == 1 and "/no/such" in nothing.stderr, nothing


suite = Suite()
suite.run(programs)
suite.run(bill)
suite.end()
