#!/usr/bin/env bash
# The Compose cluster in an engine of the test's own: up, inside and outside, faults, down and up again.
[ "$(id -u)" = 0 ] || { echo "# starting a container engine needs root"; exit 77; }
. "$DRAVE_ROOT/tests/harness/engine.sh"
trap engine_down EXIT
mkdir -p "$DRAVE_ROOT/build"
engine_up "$DRAVE_ROOT/build/engine" || { echo "not ok engine: it did not start"; exit 1; }
# Images that users pull: Prometheus as Debian has it, under the name that the Compose file wants.
prometheus=$(sed -n 's/^ *image: \(prom\/.*\)/\1/p' "$DRAVE_ROOT/docker-compose.yml")
$DOCKER image inspect "$prometheus" >/dev/null 2>&1 || $DOCKER build -q -t "$prometheus" - >"$DRAVE_ROOT/build/engine/prometheus.log" 2>&1 <<'DOCKERFILE' || { echo "not ok prometheus: see build/engine/prometheus.log"; exit 1; }
FROM debian:trixie-slim
RUN apt-get update -q && apt-get install -y -q --no-install-recommends prometheus && install -d -o nobody /prometheus
USER nobody
ENTRYPOINT ["/usr/bin/prometheus"]
DOCKERFILE
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/compose.py"
