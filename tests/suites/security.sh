#!/usr/bin/env bash
# TLS for clients: real clients, certificates that change under load, wrong doors, thousands of half-open handshakes, hostile records.
if ! command -v openssl >/dev/null; then
    echo "# there is no openssl program"
    exit 77
fi
exec "$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/security_tls.py"
