#!/usr/bin/env bash
# What a request costs: instructions, allocations and calls of the environment, counted under callgrind, against tests/cost/table.txt.
command -v valgrind >/dev/null || { echo "# valgrind is missing; deploy/install-deps --test installs it"; exit 77; }
"$DRAVE_ROOT/tests/harness/build" release sim || { echo "not ok build: the simulator does not compile"; exit 1; }
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/cost/cost.py"
