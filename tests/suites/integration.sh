#!/usr/bin/env bash
# Real processes: the promises on the wire, what producers may send, what an operator meets, the command line.
parts=(
    wire
    batches
    operating
    damage
    room
    compact
    leaders
    moves
    members
    recover
    backup
    groups
    group_why
    cli
    cli_records
    cli_commands
    cli_groups
    cli_txn
    differences
    interfaces
    configs
    cli_dev
)
status=0
for part in "${parts[@]}"; do
    "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/$part.py" || status=1
done
# What is delivered: once, not under a sanitizer.
if [ -z "${DRAVE_PRESET-}" ]; then
    for part in packages dashboards; do
        "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/$part.py" || status=1
    done
fi
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/many.py" --short || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/observe.py" --short || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/observe_limits.py" --short || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/observe_txn.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/console.py" --short || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/console_admin.py" || status=1
# Crowds and storms of handshakes are for the suite security.
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/security_tls.py" \
    librdkafka kafka_python kcat command_line wrong_doors certified_clients new_certificates at_the_start secrets || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/heal.py" --short || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/fulldisk.py" --short || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/grow.py" --short || status=1
exit $status
