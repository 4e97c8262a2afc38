#!/usr/bin/env bash
# By name only, as root: producers fill a disk of 1 GiB for ten minutes, with retention and without. On a quiet machine.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/fulldisk.py"
