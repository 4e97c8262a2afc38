#!/usr/bin/env bash
# kcat, confluent-kafka, kafka-python and kafkajs produce, consume, share groups and administer.
status=0
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/clients/clients.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/compat/compat.py" --short || status=1
exit $status
