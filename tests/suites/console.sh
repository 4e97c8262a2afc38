#!/usr/bin/env bash
# The console: its API with 10,000 topics, and its pages in headless Chromium: light, dark, on a phone, by keyboard, hostile payloads, a broker killed; its changes; ten tasks of an operator.
if ! "$DRAVE_ROOT/deploy/install-deps" --console; then
    echo "# Chromium cannot be installed"
    exit 77
fi
venv=$DRAVE_BUILD/venv-console node=$DRAVE_BUILD/node-console
if ! cmp -s "$DRAVE_ROOT/tests/console/requirements.txt" "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv" &&
        "$venv/bin/pip" install -q --disable-pip-version-check -r "$DRAVE_ROOT/tests/harness/requirements.txt" -r "$DRAVE_ROOT/tests/console/requirements.txt" &&
        cp "$DRAVE_ROOT/tests/console/requirements.txt" "$venv/installed.txt" || {
        echo "# playwright cannot be installed"
        exit 77
    }
fi
if ! cmp -s "$DRAVE_ROOT/tests/console/package.json" "$node/package.json"; then
    mkdir -p "$node" && cp "$DRAVE_ROOT/tests/console/package.json" "$node/" && (cd "$node" && npm install --silent --no-audit --no-fund) || {
        rm -f "$node/package.json"
        echo "# axe-core cannot be installed"
        exit 77
    }
fi
status=0
run() { PYTHONPATH=$DRAVE_ROOT/tests PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" "$DRAVE_ROOT/$1" || status=1; }
run tests/integration/console.py
run tests/integration/console_admin.py
run tests/integration/console_hostile.py
run tests/console/pages.py
run tests/console/pages_admin.py
run tests/console/tasks.py
exit $status
