#!/usr/bin/env bash
# libFuzzer on everything that reads bytes from outside: kept crashes first, then 20 s each (SECONDS_EACH), two at a time.
# In short: 8 s each.
#
# A target begins with what fuzz_seeds makes and what is kept in tests/fuzz/corpus/NAME. What ended it is left in build/fuzz/crashes/NAME: once
# it is mended the file is kept in tests/fuzz/crashes/NAME, and replayed here from then on. tests/fuzz/keep puts what was found into the corpus.
set -u
cd "$DRAVE_ROOT"
if ! tests/harness/build fuzz fuzz_targets; then
    echo "not ok build: it does not compile"
    exit 1
fi
fuzz=$DRAVE_BUILD/fuzz short=${SHORT:+8} seconds=${SECONDS_EACH:-${short:-20}}
rm -rf "$fuzz/seeds" && mkdir -p "$fuzz/seeds"
"$fuzz/bin/fuzz_seeds" "$fuzz/seeds" || { echo "not ok seeds: fuzz_seeds failed"; exit 1; }
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=allocator_may_return_null=1

# Prints its line; 1 when it failed.
one() {
    local name=$1 log=$fuzz/$1.log found=$fuzz/found/$1 crashes=$fuzz/crashes/$1 kept=() limits=(-rss_limit_mb=1024 -timeout=10)
    mkdir -p "$found" "$crashes"
    mapfile -t kept < <(find "tests/fuzz/crashes/$name" "tests/fuzz/corpus/$name" "$fuzz/seeds/$name" -type f 2>/dev/null | sort)
    if ! "$fuzz/bin/fuzz_$name" "${limits[@]}" -artifact_prefix="$crashes/" "${kept[@]}" >"$log" 2>&1; then
        echo "not ok $name: it ends at one of the kept inputs: $(grep -a 'Running:' "$log" | tail -n 1); see build/fuzz/$name.log"
        return 1
    fi
    local folders=("$found")
    for folder in "tests/fuzz/corpus/$name" "$fuzz/seeds/$name"; do [ ! -d "$folder" ] || folders+=("$folder"); done
    if ! "$fuzz/bin/fuzz_$name" "${limits[@]}" -max_total_time="$seconds" -max_len=16384 -reload=0 -print_final_stats=1 \
        -artifact_prefix="$crashes/" "${folders[@]}" >"$log" 2>&1; then
        tail -n 60 "$log" | grep -aE 'SUMMARY|bug in drave|runtime error|#[0-4] ' | head -n 12
        echo "not ok $name: $(grep -aoE 'Test unit written to .*' "$log" | tail -n 1); see build/fuzz/$name.log"
        return 1
    fi
    echo "ok $name - $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, ${#kept[@]} kept ones"
}
export -f one
export fuzz seconds
find tests/fuzz -name 'fuzz_*.c' -printf '%f\n' | sed 's/^fuzz_//; s/\.c$//' | sort | xargs -P "$(nproc)" -I NAME bash -c 'one NAME'
