#!/usr/bin/env bash
# kcat, confluent-kafka, kafka-python and kafkajs produce, consume, share groups and administer.
# In short: the two volumes are 200,000 records each, not a million.
[ -z "${SHORT-}" ] || export RECORDS=${RECORDS:-200000}
status=0
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/clients/clients.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/compat/compat.py" --short || status=1
exit $status
