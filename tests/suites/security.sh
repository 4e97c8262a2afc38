#!/usr/bin/env bash
# TLS, logins and permissions of clients, TLS between brokers: real clients, certificates that change under load, wrong doors, thousands of half-open handshakes, hostile records.
if ! command -v openssl >/dev/null; then
    echo "# there is no openssl program"
    exit 77
fi
status=0
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/security_tls.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/security_init.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/sasl.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/oauth.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/security_peers.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/acls.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/quotas.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/security_table.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/integration/hardened.py" || status=1
"$DRAVE_ROOT/tests/harness/python" "$DRAVE_ROOT/tests/compat/compat.py" --secure --short || status=1
exit $status
