#!/usr/bin/env bash
# Deliberate bugs in the product, one at a time: the simulator must find each of them within a stated number of seeds, and the
# seed that finds it must pass without it. Those with 0 seeds, which need more at one moment than chance brings, a unit program
# must find.
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

# Whole lines, so that two rows do not mix; 1 when it was not found.
with_unit() {
    "$harness/build" mutants "$3" >/dev/null || { echo "not ok $2: $3 does not compile"; return 1; }
    local program=$DRAVE_BUILD/mutants/bin/$3 out
    "$program" >/dev/null 2>&1 || { echo "not ok $2: $3 fails without it, too"; return 1; }
    out=$(DRAVE_MUTANT=$1 "$program" 2>&1) && { echo "not ok $2: $3 did not find it"; return 1; }
    printf 'ok %s\n%s\n' "$2" "$(grep -a -m 1 'FAILED  \] test' <<<"$out" | sed 's/^/#   /')"
}

with_sim() {
    local number=$1 name=$2 scenario=$3 seeds=$4 first=$5 out found seed from=$5
    # One seed that ends in memory that is not its own says nothing: then the next ones are tried.
    for _ in 1 2 3; do
        if out=$("$sim" --mutant "$number" --scenario "$scenario" --seeds $((seeds + first - from)) --from "$from" --stop --twice-every 0 --jobs 1); then
            echo "not ok $name: $seeds seeds of the scenario $scenario from $first on did not find it"
            return 1
        fi
        found=$(grep -a -m 1 '^not ok seed' <<<"$out")
        seed=$(sed -n 's/^not ok seed \([0-9]*\):.*/\1/p' <<<"$found")
        grep -q 'died of signal 11\|it ended with code 2' <<<"$found" || break
        found= from=$((seed + 1))
    done
    if [ -z "$found" ]; then
        printf 'not ok %s: the simulator failed for another reason\n%s\n' "$name" "$(tail -n 5 <<<"$out" | sed 's/^/#   /')"
        return 1
    elif [ -n "$seed" ] && ! "$sim" --from "$seed" --seeds 1 --scenario "$scenario" --twice-every 0 --jobs 1 >/dev/null; then
        echo "not ok $name: seed $seed of the scenario $scenario fails without it, too"
        return 1
    fi
    printf 'ok %s - seed %s\n%s\n' "$name" "$seed" "$(grep -a -m 1 '^FAILED\|^bug in\|^not ok' <<<"$out" | cut -c 1-200 | sed 's/^/#   /; s/not ok/failed/')"
}

one() {
    if [ "$4" = 0 ]; then with_unit "$1" "$2" "$3"; else with_sim "$@"; fi
}
export -f one with_sim with_unit
export sim harness
# shellcheck disable=SC2016 # of the inner shell
xargs -P "$(nproc)" -L 1 bash -c 'one "$@"' _ <<<"$rows" || status=1
exit $status
