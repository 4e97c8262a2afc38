#!/usr/bin/env bash
# By name only: 1,000,000 keys overwritten 20 times, and 10 million commits. KEYS, TIMES, COMMITS for less. On a quiet machine.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/bench/compacted.py"
