#!/usr/bin/env bash
# One module each, with real files in a temporary folder.
"$DRAVE_ROOT/tests/harness/build" dev unit_tests || { echo "not ok build: the unit tests do not compile"; exit 1; }
exec "$DRAVE_ROOT/tests/harness/units" dev
