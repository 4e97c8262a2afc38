#!/usr/bin/env bash
# Transactions of real clients, also while brokers are killed.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/transactions.py"
