#!/usr/bin/env bash
# By name only: starts behind a kill -9 with 1 and 10 GB (SIZES) in 1,000 partitions: the first record is acknowledged within 1 s, however much there is.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/bench/large_starts.py"
