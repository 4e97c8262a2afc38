#!/usr/bin/env bash
# By name only, with Java and Maven: Apache Kafka's own commands do their work on drave.
for program in java mvn; do
    command -v "$program" >/dev/null || { echo "# $program is missing"; exit 77; }
done
jars=${KAFKA_JARS:-$DRAVE_ROOT/build/golden-kafka}
if ! [ -e "$jars/kafka-tools-4.3.1.jar" ]; then
    mvn -q -B -f "$DRAVE_ROOT/tests/golden/kafka/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$jars" || exit 1
fi
KAFKA_JARS=$jars exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/tools.py"
