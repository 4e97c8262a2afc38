"""What a client of Apache Kafka meets that is different: the same requests, right and wrong, as were sent to Kafka 4.3.1 (tests/differences), and the
table of docs/protocol.md has each difference and nothing else."""

import json
import re

from differences.answers import NAMES, answers

from harness.cluster import ROOT, Cluster
from harness.suite import Suite


def differences_are_told():
    """Every case is answered as Kafka answers it, or has its row in docs/protocol.md, with both answers."""
    kafka = json.loads((ROOT / "tests/differences/kafka.json").read_text())
    assert sorted(kafka) == sorted(NAMES), "tests/differences/kafka.json is of other cases: tests/run differences records anew"
    with Cluster(3, settings={"group.initial.rebalance.delay.ms": 0}) as cluster:
        ours = answers("127.0.0.1", cluster[1].port)
    different = {name: (kafka[name], ours[name]) for name in NAMES if kafka[name] != ours[name]}
    rows = re.findall(r"^\| ([^|]+) \| `([^`]*)` \| `([^`]*)` \| [^|]+ \|$", (ROOT / "docs/protocol.md").read_text(), re.M)
    told = {name: (theirs, our) for name, theirs, our in rows}
    wrong = [f"| {name} | `{theirs}` | `{our}` |" for name, (theirs, our) in different.items() if told.get(name) != (theirs, our)]
    wrong += [f"{name} is no difference any more" for name in told if name not in different]
    assert not wrong, f"docs/protocol.md: {len(wrong)} rows are missing or wrong\n" + "\n".join(wrong)
    return f"{len(NAMES)} cases, {len(different)} differences"


suite = Suite()
suite.run(differences_are_told)
suite.end()
