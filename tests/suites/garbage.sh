#!/usr/bin/env bash
# Hostile clients and peers, all at once, beside honest ones: --frames N for each API and version (8,000), --seed N.
# In short: 400 frames.
"$DRAVE_ROOT/tests/harness/build" release garbage || { echo "not ok build: it does not compile"; exit 1; }
[ -z "${SHORT-}" ] || FRAMES=${FRAMES:-400}
status=0
for part in "$DRAVE_ROOT"/tests/integration/garbage*.py; do
    "$DRAVE_ROOT/tests/harness/python" "$part" ${FRAMES:+--frames "$FRAMES"} ${SEED:+--seed "$SEED"} || status=1
done
exit $status
