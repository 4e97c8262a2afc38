#!/usr/bin/env bash
# Members of groups join, leave, sleep and die, brokers are killed: all protocols; and very many members for a moment. --rounds N: N minutes of each
# protocol, 8 members, 64 partitions, alone (very many for longer: the suite storm).
harness=$DRAVE_ROOT/tests/harness
status=0
"$harness/python" "$DRAVE_ROOT/tests/groups/groups.py" || status=1
if [ -z "${ROUNDS-}" ]; then
    { "$harness/build" release storm && "$harness/python" "$DRAVE_ROOT/tests/bench/storm.py" --short; } || status=1
fi
exit $status
