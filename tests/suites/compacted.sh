#!/usr/bin/env bash
# By name only: 1,000,000 keys overwritten 20 times, 10 million commits, a million transactions. KEYS, TIMES, COMMITS, TRANSACTIONS for less. On a quiet machine.
status=0
for part in compacted transactional; do
    "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/bench/$part.py" || status=1
done
exit $status
