#!/usr/bin/env bash
# Real processes: the promises on the wire, what producers may send, what an operator meets, the command line.
# They mostly wait, each for a cluster of its own with ports of its own: several run at once, the longest first.
programs=(
    cli
    members
    damage
    "heal --short"
    differences
    "many --short"
    "console --short"
    batches
    cli_dev
    recover
    operating
    "observe --short"
    console_admin
    console_hostile
    # Crowds and storms of handshakes are for the suite security.
    "security_tls librdkafka kafka_python kcat command_line wrong_doors certified_clients named_by_certificate new_certificates read_when_asked terminal at_the_start secrets"
    observe_bundle
    "security_peers --short"
    "fulldisk --short"
    moves
    cli_records
    coming_back
    cli_words
    cli_wanted
    wire
    room
    backup
    observe_flow
    "observe_limits --short"
    "grow --short"
    groups
    group_why
    cli_commands
    "sasl librdkafka kafka_python kcat command_line kafka_configs order hostile silent nobody secrets"
    oauth
    acls
    security_init
    security_table
    quotas
    cli_txn
    observe_txn
    cli_groups
    cli_share
    dead_letters
    delay
    delay_commands
    dlq_commands
    share_retries
    share_stops
    leaders
    compact
    configs
    interfaces
)
at_once=4
if [ -z "${DRAVE_PRESET-}" ]; then
    programs+=(packages dashboards hardened) # what is delivered
elif [ -n "${SHORT-}" ]; then
    # Of asan: bytes from strangers, connections that come and go, memory of many answers, damaged files; all of the others run without it.
    programs=(
        "heal --short"
        "console --short"
        batches
        recover
        "observe --short"
        console_admin
        console_hostile
        "security_tls wrong_doors certified_clients new_certificates"
        moves
        cli_records
        wire
        backup
        groups
        cli_commands
        "sasl order hostile silent nobody"
        "oauth answers hostile keys_change"
        "security_peers with_a_secret strangers mute_and_slow"
        cli_txn
        configs
        interfaces
    )
fi

# What one prints comes in one piece.
run_program() {
    local output status=0
    output=$(mktemp)
    # shellcheck disable=SC2086 # a name and its arguments
    set -- $1
    "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/$1.py" "${@:2}" >"$output" 2>&1 || status=1
    flock "$DRAVE_ROOT/tests/suites" cat "$output"
    rm -f "$output"
    return $status
}
export -f run_program
"$DRAVE_ROOT/tests/harness/python" -c 0 # installed once, before all of them want it
printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P "$at_once" bash -c 'run_program "$1"' _ || exit 1
