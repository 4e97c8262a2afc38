"""Cases about the settings of brokers and their loggers: set, checked, shown. What is set is what holds anyway, so that other cases meet nothing of it. See cases.py."""

from differences.cases import ERRORS, case
from differences.settings import SOURCES
from differences.topics import KINDS

from harness.cluster import wait_until

BROKER, LOGGER = 4, 8
SIZE, SAME = "message.max.bytes", "1048588"
SET, DELETE, APPEND = 0, 1, 2


def shown(c, name, key):
    error, _, _, _, entries = c.describe(BROKER, name, [key], node=1)[0]
    said = []
    for key, value, read_only, source, _, synonyms, kind, _ in entries:
        behind = ", ".join(f"{s[0]}={s[1]} of {SOURCES[s[2]]}" for s in synonyms)
        said.append(f"{key}={value} of {SOURCES[source]}, {KINDS[kind]}{', read only' if read_only else ''} [{behind}]")
    return f"{ERRORS[error]}: {'; '.join(said) or 'nothing'}"


def changes():
    tries = {
        "a setting that needs a restart": ("1", "node.id", SET, "7"),
        "one that needs a restart, deleted": ("1", "broker.rack", DELETE, None),
        "an unknown setting": ("1", "foo", SET, "1"),
        "an impossible value": ("1", SIZE, SET, "abc"),
        "no value": ("1", SIZE, SET, None),
        "appended to a number": ("1", SIZE, APPEND, "1"),
        "threads": ("1", "num.io.threads", SET, "8"),
        "of another broker": ("2", SIZE, SET, SAME),
        "of a broker that is not there": ("9", SIZE, SET, SAME),
        "of broker x": ("x", SIZE, SET, SAME),
        "addresses of all": ("", "advertised.listeners", SET, "PLAINTEXT://a:1"),
        "retention": ("1", "log.retention.bytes", SET, "-1"),
        "flushing": ("1", "log.flush.interval.messages", SET, "10000"),
    }
    for what, (name, key, operation, value) in tries.items():

        def run(c, name=name, key=key, operation=operation, value=value):
            said = c.change(BROKER, name, [(key, operation, value)], node=1)
            if said == "NONE" and operation != DELETE:
                c.change(BROKER, name, [(key, DELETE, None)], node=1)
            return said

        case(f"IncrementalAlterConfigs of a broker: {what}")(run)

    @case("IncrementalAlterConfigs of a broker: one setting twice")
    def _(c):
        return c.change(BROKER, "1", [(SIZE, SET, SAME), (SIZE, SET, SAME)], node=1)

    @case("IncrementalAlterConfigs of a broker: only checked")
    def _(c):
        return c.change(BROKER, "1", [(SIZE, SET, SAME)], validate=True, node=1) + f"; {shown(c, '1', SIZE)}"

    @case("IncrementalAlterConfigs of a broker: of one and of all")
    def _(c):
        said = [c.change(BROKER, name, [(SIZE, SET, SAME)], node=1) for name in ("1", "")]
        wait_until("both are set", lambda: "of brokers" in shown(c, "1", SIZE) and "of broker," in shown(c, "1", SIZE), 10, 0.05)
        wait_until("that of all is told", lambda: SIZE in shown(c, "", SIZE), 10, 0.05)
        said += [shown(c, name, SIZE) for name in ("1", "")]
        said += [c.change(BROKER, name, [(SIZE, DELETE, None)], node=1) for name in ("1", "")]
        wait_until("as before", lambda: "of default, " in shown(c, "1", SIZE) and SIZE not in shown(c, "", SIZE), 10, 0.05)
        return "; ".join([*said, shown(c, "1", SIZE), shown(c, "", SIZE)])

    for what, (name, operation) in {
        "that is not there": ("1", SET),
        "of another broker": ("2", SET),
        "of all brokers": ("", SET),
        "appended to": ("1", APPEND),
    }.items():
        case(f"IncrementalAlterConfigs: a logger {what}")(
            lambda c, name=name, operation=operation: c.change(LOGGER, name, [("never.there", operation, "INFO")], node=1)
        )
    case("AlterConfigs: a logger")(lambda c: c.alter(LOGGER, "1", [("never.there", "INFO")]))
    case("DescribeConfigs: loggers of another broker")(lambda c: ERRORS[c.describe(LOGGER, "2", [], node=1)[0][0]])
    case("DescribeConfigs: loggers of all brokers")(lambda c: ERRORS[c.describe(LOGGER, "", [], node=1)[0][0]])


changes()
