#!/usr/bin/env bash
# Bits flipped at 500 places (--rounds N) of one of three brokers, and in journals: nothing lost, nothing wrong served, mended within a minute.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/heal.py"
