#!/usr/bin/env bash
# 100 partitions with 3 replicas and nothing to do: CPU, memory, and failover after it.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/idle.py"
