#!/usr/bin/env bash
# Transactions of real clients, also while clients and brokers are killed and frozen, and the power fails (--rounds N; 100 take five minutes).
status=0
for part in transactions transfers; do
    "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/$part.py" || status=1
done
exit $status
