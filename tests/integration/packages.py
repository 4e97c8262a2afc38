"""What is delivered, as far as seconds tell: the unit, configurations and arguments of all packages, the .deb that comes out of cpack, and the sizes that
are promised. `tests/run packages` has this and the bare Debians."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.cluster import BIN, ROOT, Cluster, free_ports
from harness.suite import Suite

MIB = 1 << 20
SIZE_MIB, IDLE_MIB = 15, 10  # of draved with its own libraries; resident
EXPOSURE = 15  # tenths: systemd-analyze calls up to 1.9 OK
LIBC = ("libc.so", "libm.so", "ld-linux", "linux-vdso")


def run(*words, code=0, **kw):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300, **kw)
    assert done.returncode == code, f"{' '.join(map(str, words))} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"
    return done.stdout + done.stderr


def unit():
    """systemd understands every line of the unit, and it lets the broker do little."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "draved.service"
        copy.write_text((ROOT / "deploy/systemd/draved.service").read_text().replace("/usr/bin/draved", str(BIN / "draved")))
        said = run("systemd-analyze", "--man=no", "verify", copy)
        assert not said, said
        said = run("systemd-analyze", "--offline=true", f"--threshold={EXPOSURE}", "security", copy)
        return said.strip().splitlines()[-1].strip("→ ")


def good(*words):
    assert run(BIN / "draved", "--check", *words) == "the configuration is good\n"


def configurations():
    """The package's configuration, each of its examples, and what Compose and Kubernetes start."""
    conf = (ROOT / "deploy/debian/draved.conf").read_text()
    good("--config", ROOT / "deploy/debian/draved.conf")
    examples = re.findall(r"(?m)(?:^#[a-z.]+=.*\n)+", conf)
    assert len(examples) == 2
    for example in examples:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(conf + example.replace("#", ""))
            file.flush()
            good("--config", file.name)
    manifest = (ROOT / "deploy/kubernetes/statefulset.yaml").read_text()
    arguments = re.findall(r"^ +- (--set=.*)$", manifest, re.M)
    assert len(arguments) == 7 and "replicas: 3\n" in manifest
    for pod in range(3):
        known = {"POD_INDEX": str(pod), "POD_NAME": f"drave-{pod}", "POD_NAMESPACE": "default"}
        filled = [re.sub(r"\$\((\w+)\)", lambda m, known=known: known[m.group(1)], a) for a in arguments]
        good(*filled)
        assert any(f"{pod}@drave-{pod}.drave-peers:9093" in a for a in filled)
    compose = (ROOT / "docker-compose.yml").read_text()
    common = re.findall(r"^ +- (--set=.*)$", compose, re.M)
    brokers = re.findall(r'command: \["(--set=.*)", "(--set=.*)"\]', compose)
    assert len(common) == 7 and len(brokers) == 3
    for own in brokers:
        good(*common, *own)


def manifests():
    """Selectors, ports and names of the manifests fit together (the schema is judged by `tests/run packages`)."""
    folder = ROOT / "deploy/kubernetes"
    texts = {p.name: p.read_text() for p in folder.glob("*.yaml")}
    stateful, services = texts["statefulset.yaml"], texts["services.yaml"]
    listed = re.search(r"resources: \[(.*)\]", texts["kustomization.yaml"]).group(1).split(", ")
    assert set(listed) | {"kustomization.yaml", "podmonitor.yaml"} == set(texts), listed
    assert "serviceName: drave-peers" in stateful and "name: drave-peers\n" in services and "publishNotReadyAddresses: true" in services
    ports = set(re.findall(r"\{name: (\w+), containerPort: \d+\}", stateful))
    named = set(re.findall(r"(?:port|targetPort): ([a-z]+)", stateful + services + texts["podmonitor.yaml"]))
    assert named <= ports == {"kafka", "peer", "http"}, (named, ports)
    label = "app.kubernetes.io/name: drave}"
    for text in texts.values():
        for found in re.findall(r"(?:selector|matchLabels): (\{.*)", text):
            assert found.strip("{") == label, found
    version = re.search(r"project\(drave VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert f"newTag: {version}" in texts["kustomization.yaml"]


def deb():
    """cpack makes a package with its dependencies, and nothing in a place where it should not be."""
    build = BIN.parent
    for old in build.glob("drave_*.deb"):
        old.unlink()
    run("cmake", "--build", build, "--target", "pages", "changelog")  # as `cmake --build` alone would
    run("cpack", "--config", build / "CPackConfig.cmake", cwd=build)
    (made,) = build.glob("drave_*.deb")
    fields = dict(line.split(": ", 1) for line in run("dpkg-deb", "-f", made).splitlines() if ": " in line)
    depends = [d.split()[0] for d in fields["Depends"].split(", ")]
    for wanted in ("adduser", "libc6", "libuv1", "libraft0", "librdkafka1", "libzstd1"):
        assert any(d.startswith(wanted) for d in depends), depends
    assert fields["Package"] == "drave" and re.fullmatch(r"\d+\.\d+\.\d+\+deb\d+", fields["Version"]), fields
    with tempfile.TemporaryDirectory() as folder:
        run("dpkg-deb", "-e", made, folder)
        scripts = {p.name for p in Path(folder).iterdir()}
        assert scripts == {"control", "md5sums", "conffiles", "postinst", "prerm", "postrm"}, scripts
        assert (Path(folder) / "conffiles").read_text() == "/etc/drave/draved.conf\n"
        for script in ("postinst", "prerm", "postrm"):
            run("sh", "-n", Path(folder) / script)
            assert (Path(folder) / script).stat().st_mode & 0o777 == 0o755
    files = {}
    for line in run("dpkg-deb", "-c", made).splitlines():
        mode, owner, _, _, _, name = line.split(None, 5)
        assert owner == "root/root", line
        files[name.removeprefix(".")] = mode
    assert files["/usr/bin/draved"] == files["/usr/bin/drave"] == "-rwxr-xr-x"
    for name in (
        "/etc/drave/draved.conf",
        "/usr/lib/systemd/system/draved.service",
        "/usr/share/doc/drave/changelog.gz",
        "/usr/share/doc/drave/copyright",
        "/usr/share/man/man1/drave.1.gz",
        "/usr/share/man/man8/draved.8.gz",
        "/usr/share/bash-completion/completions/drave",
    ):
        assert files.get(name) == "-rw-r--r--", (name, files.get(name))
    page = subprocess.run(["sh", "-c", "zcat pages/draved.8.gz | mandoc -Tlint -W warning"], cwd=build, capture_output=True, text=True)
    assert page.returncode == 0 and not page.stdout, page.stdout
    return f"{made.name}, {made.stat().st_size / 1024:.0f} KiB"


def size():
    """draved and the libraries that it brings beside libc are small on disk."""
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder) / "draved"
        shutil.copy(BIN / "draved", stripped)
        run("strip", stripped)
        libraries = [Path(p).resolve() for p in re.findall(r"=> (/\S+)", run("ldd", stripped)) if not any(l in p for l in LIBC)]
        assert len(libraries) >= 6, libraries
        own, others = stripped.stat().st_size, sum(l.stat().st_size for l in libraries)
    note = f"draved {own / MIB:.1f} MiB, libraries {others / MIB:.1f} MiB"
    assert own + others < SIZE_MIB * MIB, note
    return note


def idle():
    """A broker that has nothing to do takes little memory, its port for metrics included."""
    with Cluster(1, settings={"http.listen": f"127.0.0.1:{free_ports(1)[0]}"}) as cluster:
        cluster.drave("info", "--wait", "10")
        resident = cluster[1].rss_bytes()
    assert resident < IDLE_MIB * MIB, f"{resident / MIB:.2f} MiB"
    return f"{resident / MIB:.2f} MiB"


suite = Suite()
for test in (unit, configurations, manifests, deb, size, idle):
    suite.run(test)
suite.end()
