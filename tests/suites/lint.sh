#!/usr/bin/env bash
# Layers, circles and floors, banned calls, leftovers, sizes, formatting, and a second compiler's warnings.
status=0
"$DRAVE_ROOT/tests/lint/self_test" || status=1
"$DRAVE_ROOT/tests/lint/check" || status=1
exit $status
