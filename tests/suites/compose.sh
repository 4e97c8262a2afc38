#!/usr/bin/env bash
# The Compose cluster in an engine of the test's own: up, inside and outside, faults, down and up again.
[ "$(id -u)" = 0 ] || { echo "# starting a container engine needs root"; exit 77; }
. "$DRAVE_ROOT/tests/harness/engine.sh"
trap engine_down EXIT
mkdir -p "$DRAVE_ROOT/build"
engine_up "$DRAVE_ROOT/build/engine" || { echo "not ok engine: it did not start"; exit 1; }
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/compose.py"
