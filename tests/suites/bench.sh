#!/usr/bin/env bash
# drave beside Apache Kafka, rounds interleaved.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/bench/bench.py"
