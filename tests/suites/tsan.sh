#!/usr/bin/env bash
# The unit tests of base and storage, whose code has threads, under the thread sanitizer.
harness=$DRAVE_ROOT/tests/harness
"$harness/build" tsan unit_tests_base unit_tests_storage || { echo "not ok build: the unit tests do not compile"; exit 1; }
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
# Newer kernels place memory where the sanitizer of gcc 12 does not expect it, unless they are told not to scatter it.
fixed=(setarch "$(uname -m)" -R)
"${fixed[@]}" true 2>/dev/null || fixed=()
exec "${fixed[@]}" "$harness/units" tsan unit_base_ unit_storage_
