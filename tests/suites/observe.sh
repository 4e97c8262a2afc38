#!/usr/bin/env bash
# What operators see: metrics move, health tells, the port lives while the loop hangs, hostile HTTP; 10,000 partitions, promtool, dashboards, alerts.
if ! "$DRAVE_ROOT/deploy/install-deps" --observe; then
    echo "# promtool cannot be installed"
    exit 77
fi
status=0
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/observe.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/observe_bundle.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/observe_flow.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/observe_limits.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/observe_share.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/observe_txn.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/dashboards.py" --live || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/alerts.py" || status=1
exit $status
