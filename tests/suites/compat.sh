#!/usr/bin/env bash
# By name only: everyday jobs of consumers, and transactions, with every client that people have; --kills 1: while a broker is killed every 20 s;
# --rounds N: Kafka Streams and Kafka Connect are at work exactly once for N minutes. Then all of it once more where everybody has to log in.
for program in java mvn go; do
    command -v "$program" >/dev/null || { echo "# $program is missing"; exit 77; }
done
status=0
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/compat/compat.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/compat/compat.py" --secure || status=1
exit $status
