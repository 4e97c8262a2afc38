"""CHECKs where bytes from outside are read: each says in a comment beside it why no bytes make it false. Where nothing does: an error, not a CHECK."""

import fnmatch
import re

from source_files import text_of, without_comments_and_strings

# What clients, peers, files on disk and the configuration say is read, or believed, in these.
READS_OUTSIDE = [
    "protocol/*.c", "base/frame_reader.c", "base/settings.c",
    "raft-glue/change.c", "raft-glue/entry_frame.c", "raft-glue/group_apply.c", "raft-glue/group_start.c", "raft-glue/group_step.c", "raft-glue/peer*.c",
    "raft-glue/receive.c", "raft-glue/admit.c", "raft-glue/witness.c",
    "storage/applier_snapshot.c", "storage/data_dir.c", "storage/dump*.c", "storage/entry.c", "storage/journal_files.c", "storage/journal_format.c",
    "storage/journal_reader.c", "storage/journal_recovery.c", "storage/journal_state.c", "storage/partition_log.c", "storage/partition_log_open.c",
    "storage/segment_*.c", "storage/term_table.c",
    "broker/api/*.c", "broker/append_queue.c", "broker/broker_messages.c", "broker/broker_settings*.c", "broker/check_pool.c", "broker/cluster_*.c",
    "broker/connection.c", "broker/dispatch.c", "broker/leader_table.c", "broker/meta_tree.c", "broker/metadata*.c", "broker/partition*.c",
    "broker/placement.c", "broker/produce*.c", "broker/topic_*.c",
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
                yield path, number + 1, "say beside this CHECK which code above makes it true for any bytes from outside; if none does, return an error"
