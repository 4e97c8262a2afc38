#!/usr/bin/env bash
# Every block of the README does what it shows.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/readme.py"
