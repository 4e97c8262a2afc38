#!/usr/bin/env bash
# 10,000 partitions with 3 replicas within ulimit -n 1024: made at once, idle, one and all killed, a lower limit, a clean stop.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/many.py"
