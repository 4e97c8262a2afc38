"""Limits of seconds that hold on any machine: they are those of an idle one of the usual speed, and as many times longer as this one is slower now,
because its processors are slow or because others have them.
"""

import time

ROUNDS, USUAL_S = 700_000, 0.02  # as many turns of an empty loop take so long


def slower():
    """How many times longer a little work takes than it usually does; at least 1."""
    worst = USUAL_S
    for _ in range(3):
        began = time.monotonic()
        for _ in range(ROUNDS):
            pass
        worst = max(worst, time.monotonic() - began)
    return worst / USUAL_S


def within(took_s, limit_s):
    """Whether what took so long is within its limit, asked right after it."""
    return took_s < limit_s or took_s < limit_s * slower()
