"""The contract, of clients that have to log in (compat.py --secure): what they have no right to they do not get, and do once they have it."""

import time

from compat.job import Failed, Jobs
from compat.member import Refused
from compat.secure import binding

job = Jobs()

REFUSED_S = 2  # how long a member asks for what it may not have


@job("subscribe")
def what_it_may_not_read_does_not_come(j):
    """Each client says so in its own way, or goes on asking; with the right to read, the same group reads from the beginning."""
    t = f"closed-{j.name}"
    j.cluster.create(t, 1)
    j.partitions[t] = 1
    values = j.produce(t, 10)
    try:
        m = j.member([t])
        end = time.monotonic() + REFUSED_S
        while time.monotonic() < end:
            if rows := j.poll([m]):
                raise Failed(f"{rows[0]} came, and it has no right to read {t}")
    except Refused as e:
        j.notes.append(str(e))
    for m in j.members:
        m.kill()
    j.cluster.door.allow(binding("topic", t, j.settings()["security"]["user"], "read"))
    m = j.member([t])
    j.read([m], values)
    j.close(m)
