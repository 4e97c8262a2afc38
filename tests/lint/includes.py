"""Layers, wings and circles, from the #include lines: arrows point down only, and an _internal.h stays in its folder."""

import re

from source_files import PRODUCT, c_files, text_of

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include\s+(["<])([^">]+)[">]', re.M)

BELOW = {
    "base": {"base"},
    "protocol": {"protocol", "base"},
    "why": {"why", "protocol", "base"},
    "storage": {"storage", "base"},
    "raft-glue": {"raft-glue", "storage", "base"},
    "broker": {"broker", "why", "raft-glue", "storage", "protocol", "base"},
    "client": {"client", "why", "protocol", "base"},
}
# Within a folder: what each wing stands on. A folder whose own files are its top floor may use all of its wings.
WINGS = {
    "base/io": {"base/secure", "base", "base/events"},
    "base/secure": {"base", "base/events"},
    "base/env_uv": {"base", "base/events", "base/measure"},
    "base/measure": set(),
    "base/events": set(),
    "base": {"base/events"},
    "protocol/messages": {"protocol"},
    "protocol/record": {"protocol"},
    "protocol/coordinator_records": {"protocol"},
    "protocol": set(),
    "why": set(),
    "storage/dump": {"storage/log", "storage/state", "storage/segment", "storage/journal", "storage"},
    "storage/log": {"storage/heal", "storage/state", "storage/clean", "storage/tables", "storage/segment", "storage/journal", "storage"},
    "storage/clean": {"storage/segment", "storage"},
    "storage/heal": {"storage/clean", "storage/state", "storage/segment", "storage"},
    "storage/tables": {"storage/segment", "storage"},
    "storage/state": {"storage/segment", "storage"},
    "storage/segment": {"storage"},
    "storage/journal": {"storage"},
    "storage": set(),
    "raft-glue": {"raft-glue/peer", "raft-glue/engine"},
    "raft-glue/engine": {"raft-glue/peer"},
    "raft-glue/peer": set(),
    "broker": {
        "broker/tally",
        "broker/api",
        "broker/retention",
        "broker/observe",
        "broker/cleaner",
        "broker/healing",
        "broker/lag",
        "broker/verification",
        "broker/letters",
        "broker/markers",
        "broker/sharing",
        "broker/coordinator",
        "broker/coordinator/group",
        "broker/coordinator/offsets",
        "broker/coordinator/consumer",
        "broker/coordinator/share",
        "broker/coordinator/migration",
        "broker/coordinator/serving",
        "broker/coordinator/assignment",
        "broker/coordinator/regex",
        "broker/coordinator/transaction",
        "broker/reassignment",
        "broker/balance",
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/log_start",
        "broker/share",
        "broker/traffic",
        "broker/producer",
        "broker/metadata/asking",
        "broker/metadata/image",
        "broker/metadata",
        "broker/cluster",
        "broker/server",
        "broker/memory",
        "broker/access",
        "broker/quotas",
        "broker/login",
        "broker/users",
        "broker/tls",
        "broker/clients",
        "broker/config",
    },
    "broker/api": {
        "broker/observe",
        "broker/tally",
        "broker/coordinator",
        "broker/coordinator/group",
        "broker/coordinator/offsets",
        "broker/coordinator/consumer",
        "broker/coordinator/share",
        "broker/coordinator/classic",
        "broker/coordinator/migration",
        "broker/coordinator/serving",
        "broker/coordinator/regex",
        "broker/coordinator/transaction",
        "broker/reassignment",
        "broker/balance",
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/log_start",
        "broker/share",
        "broker/sharing",
        "broker/traffic",
        "broker/producer",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/cluster",
        "broker/server",
        "broker/memory",
        "broker/access",
        "broker/quotas",
        "broker/login",
        "broker/users",
        "broker/tls",
        "broker/clients",
        "broker/config",
    },
    "broker/coordinator/migration": {
        "broker/coordinator/consumer",
        "broker/coordinator/share",
        "broker/coordinator/classic",
        "broker/coordinator/group",
        "broker/coordinator",
        "broker/metadata",
        "broker/config",
    },
    "broker/coordinator/share": {
        "broker/coordinator/group",
        "broker/coordinator",
        "broker/metadata",
        "broker/config",
    },
    "broker/coordinator/consumer": {
        "broker/coordinator/group",
        "broker/coordinator/assignment",
        "broker/coordinator/regex",
        "broker/coordinator",
        "broker/metadata",
        "broker/config",
    },
    "broker/coordinator/offsets": {
        "broker/coordinator/group",
        "broker/coordinator",
        "broker/traffic",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/config",
    },
    "broker/coordinator/serving": {
        "broker/coordinator/migration",
        "broker/coordinator/consumer",
        "broker/coordinator/share",
        "broker/coordinator/offsets",
        "broker/coordinator/classic",
        "broker/coordinator/group",
        "broker/coordinator",
        "broker/traffic",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/config",
    },
    "broker/coordinator/transaction": {
        "broker/coordinator/group",
        "broker/coordinator",
        "broker/markers",
        "broker/producer",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/coordinator/assignment": set(),
    "broker/coordinator/regex": set(),
    "broker/coordinator/classic": {
        "broker/coordinator/group",
        "broker/coordinator",
        "broker/metadata",
        "broker/config",
    },
    "broker/coordinator/group": {
        "broker/sharing",
        "broker/coordinator",
        "broker/metadata",
        "broker/config",
    },
    "broker/coordinator": {
        "broker/partition",
        "broker/snapshot",
        "broker/traffic",
        "broker/producer",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/balance": {
        "broker/partition_set",
        "broker/partition",
        "broker/traffic",
        "broker/producer",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/reassignment": {
        "broker/placement",
        "broker/balance",
        "broker/partition_set",
        "broker/partition",
        "broker/traffic",
        "broker/producer",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/partition_set": {
        "broker/partition",
        "broker/checks",
        "broker/log_start",
        "broker/share",
        "broker/traffic",
        "broker/producer",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/sharing": {
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/share",
        "broker/traffic",
        "broker/producer",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/letters": {
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/share",
        "broker/traffic",
        "broker/producer",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/markers": {
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/traffic",
        "broker/producer",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/verification": {
        "broker/coordinator/transaction",
        "broker/coordinator/group",
        "broker/coordinator",
        "broker/guards",
        "broker/partition_set",
        "broker/partition",
        "broker/producer",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/retention": {
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/log_start",
        "broker/share",
        "broker/traffic",
        "broker/producer",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/cleaner": {
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/log_start",
        "broker/share",
        "broker/traffic",
        "broker/producer",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/healing": {"broker/metadata", "broker/cluster", "broker/config", "broker/partition_set"},
    "broker/http": set(),
    "broker/console/asking": {"broker/http"},
    "broker/console/changes": {"broker/console/asking", "broker/http"},
    "broker/console": {"broker/console/asking", "broker/console/changes", "broker/http"},
    "broker/observe": {
        "broker/tally",
        "broker/console",
        "broker/causes",
        "broker/lag",
        "broker/http",
        "broker/coordinator/serving",
        "broker/coordinator/transaction",
        "broker/letters",
        "broker/markers",
        "broker/coordinator/group",
        "broker/coordinator/consumer",
        "broker/coordinator/share",
        "broker/coordinator",
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/log_start",
        "broker/share",
        "broker/traffic",
        "broker/producer",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/cluster",
        "broker/server",
        "broker/memory",
        "broker/tls",
        "broker/clients",
        "broker/config",
    },
    "broker/checks": set(),
    "broker/errors": set(),
    "broker/guards": {"broker/producer"},
    "broker/log_start": set(),
    "broker/share": {"broker/snapshot"},
    "broker/delay": {"broker/snapshot"},
    "broker/snapshot": set(),
    "broker/traffic": set(),
    "broker/tally": {
        "broker/lag",
        "broker/partition_set",
        "broker/partition",
        "broker/producer",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/causes": {
        "broker/coordinator/serving",
        "broker/coordinator/offsets",
        "broker/coordinator/classic",
        "broker/coordinator/consumer",
        "broker/coordinator/share",
        "broker/coordinator/group",
        "broker/coordinator",
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/log_start",
        "broker/share",
        "broker/traffic",
        "broker/producer",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/lag": {
        "broker/coordinator/serving",
        "broker/coordinator/offsets",
        "broker/coordinator/group",
        "broker/coordinator/consumer",
        "broker/coordinator/share",
        "broker/coordinator",
        "broker/partition_set",
        "broker/partition",
        "broker/checks",
        "broker/log_start",
        "broker/share",
        "broker/traffic",
        "broker/producer",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/partition": {
        "broker/checks",
        "broker/errors",
        "broker/guards",
        "broker/log_start",
        "broker/share",
        "broker/delay",
        "broker/snapshot",
        "broker/traffic",
        "broker/producer",
        "broker/metadata/asking",
        "broker/metadata",
        "broker/cluster",
        "broker/config",
    },
    "broker/producer": {"broker/snapshot"},
    "broker/metadata/asking": {"broker/metadata", "broker/access", "broker/quotas", "broker/users", "broker/cluster", "broker/config"},
    "broker/metadata/image": {"broker/metadata", "broker/access", "broker/quotas", "broker/users", "broker/cluster", "broker/config"},
    "broker/metadata": {"broker/placement", "broker/access", "broker/quotas", "broker/users", "broker/cluster", "broker/config"},
    "broker/access": {"broker/config"},
    "broker/quotas": {"broker/config"},
    "broker/users": set(),
    "broker/login": {"broker/users", "broker/config"},
    "broker/placement": set(),
    "broker/cluster": {"broker/config"},
    "broker/arrival": {"broker/access", "broker/quotas"},
    "broker/server": {
        "broker/arrival",
        "broker/memory",
        "broker/clients",
        "broker/tls",
        "broker/access",
        "broker/quotas",
        "broker/login",
        "broker/users",
        "broker/config",
    },
    "broker/memory": set(),
    "broker/tls": {"broker/config"},
    "broker/clients": set(),
    "broker/config": set(),
    "client": {
        "client/commands",
        "client/about",
        "client/bench",
        "client/config",
        "client/session",
        "client/dev",
        "client/bundle",
        "client/health",
        "client/transactions",
        "client/recover",
        "client/records",
        "client/format",
        "client/users",
        "client/stream",
        "client/sharing",
        "client/profile",
        "client/why",
        "client/kafka",
        "client/socket",
        "client/line",
    },
    "client/commands": {
        "client/about",
        "client/bench",
        "client/bundle",
        "client/session",
        "client/dev",
        "client/records",
        "client/format",
        "client/users",
        "client/stream",
        "client/sharing",
        "client/profile",
        "client/why",
        "client/kafka",
        "client/socket",
        "client/line",
    },
    "client/about": {
        "client/transactions",
        "client/records",
        "client/format",
        "client/kafka",
        "client/profile",
        "client/line",
    },
    "client/transactions": {"client/records", "client/format", "client/kafka", "client/socket", "client/line"},
    "client/bench": {"client/session", "client/records", "client/kafka", "client/socket", "client/line"},
    "client/users": {"client/kafka", "client/socket", "client/line"},
    "client/why": {"client/kafka", "client/socket", "client/line"},
    "client/health": {"client/kafka", "client/socket", "client/line"},
    "client/bundle": {"client/health", "client/kafka", "client/socket", "client/line"},
    "client/session": {"client/kafka", "client/socket", "client/line"},
    "client/config": {"client/session", "client/kafka", "client/socket", "client/line"},
    "client/recover": {"client/health", "client/kafka", "client/socket", "client/line"},
    "client/dev": {"client/kafka", "client/socket", "client/line"},
    "client/records": {"client/format", "client/kafka", "client/socket", "client/line"},
    "client/format": {"client/kafka", "client/socket", "client/line"},
    "client/sharing": {"client/session", "client/format", "client/kafka", "client/socket", "client/line"},
    "client/stream": {"client/sharing", "client/records", "client/format", "client/kafka", "client/socket", "client/line"},
    "client/profile": {"client/line"},
    "client/kafka": {"client/socket", "client/line"},
    "client/socket": {"client/line"},
    "client/line": set(),
}
# Two headers may be used across a border.
ALSO = {"storage": {"protocol/record/record_batch.h", "protocol/record/record_filter.h", "protocol/record/held_batch.h"}}
# The header of a library belongs to one place.
ONLY_IN = {
    "uv.h": "base/env_uv/",
    "raft.h": "raft-glue/",
    "librdkafka/rdkafka.h": "client/",
    "isa-l.h": "base/crc32c",
    "isa-l/crc.h": "base/crc32c",
}


def includes_of(path):
    text = text_of(path)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def up(path, name):
    """Why this file must not include that one, or None."""
    folder, wing, other = path.parts[0], str(path.parent), name.rsplit("/", 1)[0]
    if name.split("/")[0] not in BELOW[folder]:
        return (
            None
            if name in ALSO.get(folder, ())
            else f'{folder}/ must not use "{name}"; it stands on {", ".join(sorted(BELOW[folder] - {folder}))}'
        )
    if other.split("/")[0] == folder and other != wing and other not in WINGS.get(wing, ()):
        return f'{wing}/ must not use "{name}"; in {folder}/ it stands on {", ".join(sorted(WINGS.get(wing, ()))) or "nothing"}'
    if name.endswith("_internal.h") and other != wing:
        return f'"{name}" is private to {other}/'
    return None


def layers(files):
    known = {str(p) for p in files}
    for path in c_files(files):
        folder = path.parts[0]
        for line, quote, name in includes_of(path):
            if quote == "<":
                home = ONLY_IN.get(name)
                if home and folder in PRODUCT and not str(path).startswith(home):
                    yield path, line, f"<{name}> may be included from {home}* only"
            elif folder == "tests" and str(path.parent / name) in known:
                continue  # a fixture beside its tests
            elif "/" not in name or ".." in name or name not in known:
                yield path, line, f'"{name}" is not a path from the root'
            elif folder in BELOW and (why := up(path, name)):
                yield path, line, why


def circles(files):
    """Headers that include each other, over any number of steps."""
    arrows = {str(p): [(line, name) for line, quote, name in includes_of(p) if quote == '"'] for p in c_files(files)}
    done, way = set(), []

    def visit(name):
        if name in done or name not in arrows:
            return
        way.append(name)
        for line, other in arrows[name]:
            if other in way:
                yield name, line, "a circle: " + " -> ".join(way[way.index(other) :] + [other])
            else:
                yield from visit(other)
        way.pop()
        done.add(name)

    for name in sorted(arrows):
        yield from visit(name)


def guards(files):
    """A header's guard is its path: BASE_ENV_UV_H."""
    for path in c_files(files):
        if path.suffix == ".h" and path.parts[0] in PRODUCT:
            guard = re.sub(r"[^A-Z0-9]", "_", str(path).upper())
            if f"#ifndef {guard}\n#define {guard}\n" not in text_of(path):
                yield path, 1, f"the include guard must be {guard}"
