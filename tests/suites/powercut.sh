#!/usr/bin/env bash
# All disks lose power at once, all processes are killed at once, slow disks: nothing acknowledged is lost, nothing is acknowledged early.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/powercut.py"
