#!/usr/bin/env bash
# By name only: librdkafka's own tests against three brokers, compared with the list of what passes (tests/compat/librdkafka/expected.txt).
for program in npm make g++ java mvn; do
    command -v "$program" >/dev/null || { echo "# $program is missing"; exit 77; }
done
[ -f /usr/include/rapidjson/document.h ] || { echo "# rapidjson-dev is missing"; exit 77; }
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/compat/librdkafka/own_tests.py"
