#!/usr/bin/env bash
# The broker that leads most is killed under load, again and again.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/failover.py"
