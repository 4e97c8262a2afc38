#!/usr/bin/env bash
# Members of groups join, leave, sleep and die, brokers are killed: all protocols. --rounds N: N minutes each, 8 members, 64 partitions.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/groups/groups.py"
