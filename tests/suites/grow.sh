#!/usr/bin/env bash
# A cluster grows from 3 to 5 brokers and shrinks to 3 under load, with a kill -9 in each step: moves, other voters, a lost directory.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/grow.py"
