#!/usr/bin/env bash
# 2 GB of a topic are deleted beside a producer of another: what an acknowledgement takes. On a quiet machine; REALTIME=1 on a busy one.
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/bench/deletion.py"
