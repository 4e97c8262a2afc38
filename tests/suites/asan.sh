#!/usr/bin/env bash
# Unit tests, simulation and integration under the address and undefined behaviour sanitizers.
# In short: the programs of integration with hostile bytes, connections, memory and damage, and 4 seeds; the suite unit is under them anyway.
harness=$DRAVE_ROOT/tests/harness suites=$DRAVE_ROOT/tests/suites
export DRAVE_PRESET=asan DRAVE_BIN=$DRAVE_BUILD/asan/bin
export UBSAN_OPTIONS=print_stacktrace=1
programs=(draved drave)
[ -n "${SHORT-}" ] || programs+=(unit_tests)
"$harness/build" asan "${programs[@]}" || { echo "not ok build: it does not compile"; exit 1; }
status=0
[ -n "${SHORT-}" ] || "$harness/units" asan || status=1
# A simulated crash leaves a node's memory behind on purpose. One seed costs many times as much here. The integration suite mostly waits:
# both at once, the simulator behind.
simulated=$(mktemp)
seeds=${SHORT:+4}
SEEDS=${ASAN_SEEDS:-${seeds:-20}} ASAN_OPTIONS=detect_leaks=0 nice -n 10 bash "$suites/sim.sh" >"$simulated" 2>&1 &
bash "$suites/integration.sh" || status=1
wait $! || status=1
cat "$simulated"
rm -f "$simulated"
exit $status
