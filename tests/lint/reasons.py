"""CHECKs where bytes from outside are read: each says in a comment beside it why no bytes make it false. Where nothing does: an error, not a CHECK."""

import fnmatch
import re

from source_files import text_of, without_comments_and_strings

# What clients, peers, files on disk and the configuration say is read, or believed, in these.
READS_OUTSIDE = [
    "protocol/*.c",
    "base/io/frame_reader.c",
    "base/settings.c",
    "raft-glue/admit.c",
    "raft-glue/engine/configuration.c",
    "raft-glue/peer/*.c",
    "raft-glue/raft_group_apply.c",
    "raft-glue/raft_group_start.c",
    "raft-glue/raft_group_step.c",
    "raft-glue/receive.c",
    "storage/data_dir.c",
    "storage/dump/*.c",
    "storage/entry.c",
    "storage/journal/journal_files.c",
    "storage/journal/journal_format.c",
    "storage/journal/journal_reader.c",
    "storage/journal/journal_recovery.c",
    "storage/journal/journal_state.c",
    "storage/log/applier_snapshot.c",
    "storage/log/kept_index.c",
    "storage/log/partition_log.c",
    "storage/log/recovered_segments.c",
    "storage/log/partition_log_recovery.c",
    "storage/tables/term_table.c",
    "storage/segment/segment_*.c",
    "broker/api/*.c",
    "broker/cluster/*.c",
    "broker/config/*.c",
    "broker/metadata/metadata*.c",
    "broker/metadata/placement.c",
    "broker/metadata/asking/producer_ids.c",
    "broker/partition/*.c",
    "broker/server/connection.c",
    "broker/server/dispatch.c",
]
CHECK = re.compile(r"\bCHECK\(")


def said(lines, first):
    """A comment behind the CHECK, which may go over lines, or one above it."""
    last = first
    while last < len(lines) and ";" not in lines[last]:
        last += 1
    return any("/*" in line for line in lines[first : last + 1]) or (first > 0 and lines[first - 1].rstrip().endswith("*/"))


def checks_without_reason(files):
    for path in files:
        if not any(fnmatch.fnmatchcase(str(path), pattern) for pattern in READS_OUTSIDE):
            continue
        lines = text_of(path).split("\n")
        for number, line in enumerate(without_comments_and_strings(text_of(path)).split("\n")):
            if CHECK.search(line) and not said(lines, number):
                yield (
                    path,
                    number + 1,
                    "say beside this CHECK which code above makes it true for any bytes from outside; if none does, return an error",
                )
