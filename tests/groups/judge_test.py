"""The judge itself: a history that is right, one for each anomaly, and what looks like one and is none."""

from groups.judge import judge

from harness.suite import Suite

SETTINGS = {"session_ms": 6000, "heartbeat_ms": 2000, "settle_s": 14, "stuck_s": 28}
S = 1_000_000


def story(*rows, acked=10, calm=None):
    """Rows in seconds; by default all ten records of partition 0 are processed by m1, and the calm ends well."""
    work = [[1, "m1", "assigned", [0]], [2, "m1", "processed", [[0, 0, 9, 0]]]]
    end = calm or [[90, "run", "calm"], [91, "run", "whole"]]
    return [[int(r[0] * S), *r[1:]] for r in [*work, *rows, [99, "run", "acked", {"0": acked}], *end]]


def anomalies(*rows, **more):
    report = judge(story(*rows, **more), SETTINGS)
    return {k for k, n in report["anomalies"].items() if n}


def commit(t, who, began, offset):
    return [t, who, "commit", int(began * S), {"0": offset}, {}]


def expect(found, *wanted):
    assert found == set(wanted), f"{found} was found, {set(wanted)} was there"


def a_right_history_has_no_anomaly():
    handed = ([10, "m1", "revoked", [0]], [11, "m2", "assigned", [0]], commit(9, "m1", 8, 5), commit(13, "m2", 12, 7))
    expect(anomalies(*handed, [20, "run", "committed", 19 * S, {"0": 7}]))


def records_are_counted():
    expect(anomalies(acked=12), "lost")
    expect(anomalies([3, "m2", "processed", [[0, 9, 10, 8]]]), "wrong")  # other values at 9, 10
    expect(anomalies([3, "m1", "processed", [[0, 10, 10, 4]]]), "wrong")  # a value twice
    expect(anomalies([3, "m1", "processed", [[0, 5, 9, 5]]]))  # again is not wrong


def offsets_that_go_back_are_found():
    expect(anomalies(commit(4, "m1", 3, 7), commit(6, "m1", 5, 6)), "back")
    expect(anomalies(commit(4, "m1", 3, 7), [6, "run", "committed", 5 * S, {"0": -1}]), "back")
    expect(anomalies([4, "run", "committed", 3 * S, {"0": 7}], [6, "run", "committed", 5 * S, {"0": 6}]), "back")
    expect(anomalies(commit(4, "m1", 3, 7), [5, "run", "committed", 3 * S, {"0": 6}]))  # asked before it was taken


def two_owners_are_found():
    expect(anomalies([10, "m2", "assigned", [0]]), "double")
    expect(anomalies([10, "m2", "assigned", [0]], [11, "m1", "revoked", [0]]), "double")
    expect(anomalies([10, "m2", "assigned", [0]], [11, "run", "kill", "m1"]), "double")
    expect(anomalies([10, "run", "kill", "m1"], [11, "m2", "assigned", [0]]))


def who_sleeps_long_enough_is_no_owner():
    sleep = ([10, "run", "pause", "m1"], [18, "run", "resume", "m1"], [18.1, "m1", "lost", [0]])
    expect(anomalies(*sleep, [16, "m2", "assigned", [0]]))
    expect(anomalies(*sleep, [16, "m2", "assigned", [0]], commit(18.05, "m1", 18, 10)), "double")  # its commit was taken
    expect(anomalies(*sleep[:2], [18.1, "m1", "revoked", [0]], [12, "m2", "assigned", [0]]), "double")  # too early
    refused = [18.05, "m1", "commit", 18 * S, {}, {"0": "UNKNOWN_MEMBER_ID"}]
    expect(anomalies(*sleep, [16, "m2", "assigned", [0]], refused))


def what_a_sleeper_hears_late_is_nothing():
    sleep = ([10, "run", "pause", "m2"], [18, "run", "resume", "m2"], [18.1, "m2", "assigned", [0]])
    expect(anomalies(*sleep, [18.2, "m2", "lost", [0]]))
    expect(anomalies(*sleep, [30, "m2", "lost", [0]]), "double")
    expect(anomalies(*sleep, commit(18.19, "m2", 18.15, 10), [18.2, "m2", "lost", [0]]), "double")


def a_stuck_group_is_found():
    expect(anomalies(calm=[[60, "run", "calm"]]), "stuck")
    expect(anomalies(calm=[[60, "run", "calm"], [75, "run", "whole"]]), "stuck")
    expect(anomalies([10, "m1", "revoked", [0]], [39, "m2", "assigned", [0]]), "stuck")
    expect(anomalies([10, "m1", "fatal", "no such group"]), "fatal")
    expect(anomalies([91, "run", "type", "classic", "consumer"]), "type")
    expect(anomalies([91, "run", "type", "classic", "classic"]))


def gaps_have_their_causes():
    def gaps(*rows):
        return {k: (g["gaps"], g["max"]) for k, g in judge(story(*rows), SETTINGS)["gaps_s"].items() if g["gaps"]}

    assert gaps([10, "m1", "revoked", [0]], [11, "m2", "assigned", [0]]) == {"join, leave": (1, 1)}
    assert gaps([10, "run", "kill", "m1"], [12, "m2", "assigned", [0]]) == {"kill, pause": (1, 2)}
    slept = ([10, "run", "pause", "m1"], [18, "run", "resume", "m1"])
    assert gaps(*slept, [17, "m2", "assigned", [0]], [18.1, "m1", "lost", [0]]) == {"kill, pause": (1, 7)}
    assert gaps(*slept, [18.1, "m1", "lost", [0]], [19, "m2", "assigned", [0]]) == {"kill, pause": (1, 9)}
    assert gaps(*slept, [30, "m1", "revoked", [0]], [31, "m2", "assigned", [0]]) == {"join, leave": (1, 1)}  # it woke up in time
    assert gaps([9, "run", "broker killed", 1], [10, "m1", "revoked", [0]], [13, "m2", "assigned", [0]]) == {"broker": (1, 3)}


def run(suite):
    for test in (
        a_right_history_has_no_anomaly,
        records_are_counted,
        offsets_that_go_back_are_found,
        two_owners_are_found,
        who_sleeps_long_enough_is_no_owner,
        what_a_sleeper_hears_late_is_nothing,
        a_stuck_group_is_found,
        gaps_have_their_causes,
    ):
        suite.run(test)


if __name__ == "__main__":
    its = Suite(only=[])
    run(its)
    its.end()
