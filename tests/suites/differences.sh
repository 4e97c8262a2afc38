#!/usr/bin/env bash
# By name only, with Java and Maven: asks Apache Kafka 4.3.1 anew what tests/differences/kafka.json keeps, and drave, too.
for program in java mvn; do
    command -v "$program" >/dev/null || { echo "# $program is missing"; exit 77; }
done
status=0
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/differences/record.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/differences.py" || status=1
exit $status
