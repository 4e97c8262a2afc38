#!/usr/bin/env bash
# One module each, with real files in a temporary folder.
# In short: those of the build with sanitizers, which is wanted anyway; by name those of the dev build.
preset=${SHORT:+asan}
preset=${preset:-dev}
export UBSAN_OPTIONS=print_stacktrace=1
"$DRAVE_ROOT/tests/harness/build" "$preset" unit_tests || { echo "not ok build: the unit tests do not compile"; exit 1; }
exec "$DRAVE_ROOT/tests/harness/units" "$preset"
