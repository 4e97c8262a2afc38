#!/usr/bin/env bash
# 1,000 consumer groups of 10 members on three brokers, both protocols, beside Apache Kafka: joins, heartbeats, commits, a coordinator's kill. Quiet machine.
cd "$DRAVE_ROOT" && tests/harness/build release storm && exec tests/harness/python tests/bench/storm.py
