"""Who issues tokens: keys, the file of the key set, and signed tokens, by openssl."""

import base64
import json
import os
import time

from harness.secured import made, openssl

ISSUER, AUDIENCE = "https://issuer.example.com", "drave"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """with its keys in a folder; `jwks` is the path of the key set, with all that were published."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.jwks, self.rows = folder, folder / "jwks.json", {}

    def key(self, kid, kind="RSA", publish=True):
        """A new key of RSA or EC (P-256)."""
        path = self.folder / f"{kid}.key"
        made(
            "genpkey",
            "-out",
            path,
            *(("-algorithm", "RSA") if kind == "RSA" else ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")),
        )
        if kind == "RSA":
            modulus = bytes.fromhex(openssl("rsa", "-in", path, "-noout", "-modulus").stdout.decode().split("=")[1].strip())
            row = {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(modulus), "e": "AQAB"}
        else:
            point = openssl("pkey", "-in", path, "-pubout", "-outform", "DER").stdout[-64:]
            row = {"kty": "EC", "kid": kid, "use": "sig", "alg": "ES256", "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])}
        self.rows[kid] = row
        if publish:
            self.publish(*self.rows)
        return row

    def publish(self, *kids):
        """The file has these keys, at once."""
        fresh = self.folder / "jwks.new"
        fresh.write_text(json.dumps({"keys": [self.rows[kid] for kid in kids]}))
        os.replace(fresh, self.jwks)

    def sign(self, kid, data):
        signature = openssl("dgst", "-sha256", "-sign", self.folder / f"{kid}.key", stdin=data).stdout
        if self.rows[kid]["kty"] == "RSA":
            return signature
        numbers, at = [], 2
        for _ in range(2):  # DER: a sequence of two numbers
            size = signature[at + 1]
            numbers.append(int.from_bytes(signature[at + 2 : at + 2 + size], "big").to_bytes(32, "big"))
            at += 2 + size
        return b"".join(numbers)

    def token(self, user="alice", kid="one", seconds=3600, header=None, **claims):
        now = int(time.time())
        head = {"alg": self.rows[kid]["alg"], "kid": kid, **(header or {})}
        body = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + seconds, **claims}
        said = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body).encode())}"
        return f"{said}.{b64(self.sign(kid, said.encode()))}"
