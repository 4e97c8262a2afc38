#!/usr/bin/env bash
# Deliberate bugs in the product, one at a time: the simulator must find each of them within a stated number of seeds, and the
# seed that finds it must pass without it.
harness=$DRAVE_ROOT/tests/harness
engine=()
if "$harness/engine"; then engine=("-DDRAVE_RAFT_DEBUG_DIR=$DRAVE_BUILD/raft-debug"); fi
"$harness/build" mutants "${engine[@]}" sim || { echo "not ok build: the simulator does not compile"; exit 1; }
sim=$DRAVE_BUILD/mutants/bin/sim
status=0

# Every bug in the code is in the simulator's table.
rows=$("$sim" --list-mutants)
for name in $(sed -n 's/^    MUTANT_\([A-Z_]*\).*/\1/p' "$DRAVE_ROOT/base/mutant.h"); do
    if ! grep -q " $name " <<<"$rows"; then
        echo "not ok $name: tests/sim/mutants.c does not name it"
        status=1
    fi
done

while read -r number name scenario seeds; do
    if out=$("$sim" --mutant "$number" --scenario "$scenario" --seeds "$seeds" --stop --twice-every 0 --jobs "$(nproc)"); then
        echo "not ok $name: $seeds seeds of the scenario $scenario did not find it"
        status=1
        continue
    fi
    # One that ends in memory that is not its own says nothing, unless another seed beside it says what is wrong.
    found=$(grep -a '^not ok seed' <<<"$out" | grep -v 'died of signal 11\|it ended with code 2' | head -n 1)
    seed=$(sed -n 's/^not ok seed \([0-9]*\):.*/\1/p' <<<"$found")
    if [ -z "$found" ]; then
        echo "not ok $name: the simulator failed for another reason"
        tail -n 5 <<<"$out" | sed 's/^/#   /'
        status=1
    elif [ -n "$seed" ] && ! "$sim" --seed "$seed" --scenario "$scenario" >/dev/null; then
        echo "not ok $name: seed $seed of the scenario $scenario fails without it, too"
        status=1
    else
        echo "ok $name"
        grep -a -m 1 '^FAILED\|^bug in\|^not ok' <<<"$out" | cut -c 1-200 | sed 's/^/#   /; s/not ok/failed/'
    fi
done <<<"$rows"
exit $status
