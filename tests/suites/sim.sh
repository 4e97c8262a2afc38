#!/usr/bin/env bash
# A whole cluster in one process: virtual clock, simulated disks and network, faults from a seed, continuous checks.
# SEEDS seeds (200), or one with SEED, which is run twice.
harness=$DRAVE_ROOT/tests/harness preset=${DRAVE_PRESET:-release}
engine=()
if "$harness/engine"; then
    engine=("-DDRAVE_RAFT_DEBUG_DIR=$DRAVE_BUILD/raft-debug")
elif [ "${CI-}" = true ]; then
    echo "not ok engine: its source cannot be had, so its assertions are off"
    exit 1
else
    echo "# the simulation goes on with Debian's engine, which has its assertions off"
fi
"$harness/build" "$preset" "${engine[@]}" sim || { echo "not ok build: the simulator does not compile"; exit 1; }
sim=$DRAVE_BUILD/$preset/bin/sim
options=(--jobs "$(nproc)" ${JSON:+--json})
if [ -n "${SEED-}" ]; then
    exec "$sim" --seed "$SEED" "${options[@]}"
fi
# The kept seeds cost minutes under a sanitizer: there they are for the whole suite.
[ "$preset" = asan ] && [ -n "${SHORT-}" ] || options+=(--seeds-file "$DRAVE_ROOT/tests/sim/seeds.txt")
exec "$sim" --seeds "${SEEDS:-200}" "${options[@]}"
