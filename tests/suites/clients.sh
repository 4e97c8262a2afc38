#!/usr/bin/env bash
# kcat, confluent-kafka, kafka-python and kafkajs produce, consume and administer.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/clients/clients.py"
