#!/usr/bin/env bash
# Real processes: the promises on the wire, what producers may send, what an operator meets, the command line.
parts=(
    wire
    batches
    operator
    damage
    room
    leaders
    groups
    group_why
    cli
    cli_records
    cli_commands
    cli_groups
    differences
    interfaces
    configs
    cli_dev
)
status=0
for part in "${parts[@]}"; do
    "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/$part.py" || status=1
done
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/many.py" --short || status=1
exit $status
