"""A client of the issuing service in one file. Every request is signed with SM2 (RFC 9421); see docs/signing.md.

    pip install ecert        # SM2 and SM3 over the system's OpenSSL; all else is Python's own
    python ecert_client.py ORIGIN KEY.pem METHOD PATH [BODY.json | -]

    python ecert_client.py https://issuing.example system.pem POST /api/v1/licences licence.json > issued.json
    python ecert_client.py https://issuing.example system.pem GET  /api/v1/licences/<key>/licence.ofd > licence.ofd

ORIGIN is the service as it calls itself (`origin` in its settings); KEY.pem a PKCS#8 file whose public half is
registered with the service. The body of the answer goes to standard output; the exit code is 0 for 2xx, else 1.
"""

from __future__ import annotations

import base64
import secrets
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from ecert.sm2 import PrivateKey, decode_der, encode_raw, sm3

if TYPE_CHECKING:
    from collections.abc import Mapping

COVERED = ("content-digest", "content-type", "content-encoding", "idempotency-key", "if-match")
"""Whichever of these fields a request has is signed, besides its method and its target."""
LIFETIME = 60
"""How long a signature is good, in seconds."""


@dataclass(frozen=True)
class Answer:
    """What the service said: an HTTP status, headers, and the body's bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Sends requests in the name of one registered system."""

    def __init__(self, origin: str, key: PrivateKey) -> None:
        """Call the service at `origin`, e.g. `https://issuing.example`, with the system's key."""
        self.origin, self.key = origin.rstrip("/"), key
        self.keyid = key.public_key.key_id.hex()

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float = 30,
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Args:
            method: E.g. `POST`.
            path: Of the address, with its query.
            body: JSON in UTF-8; nothing for a request without one.
            headers: More headers, e.g. `If-Match`. A POST without an `Idempotency-Key` gets one: give your own, and
                send the same again when no answer came; then nothing is done twice.
            timeout: In seconds.

        Raises:
            OSError: the service cannot be reached.
        """
        sent = dict(headers or {})
        if body:
            sent.setdefault("Content-Type", "application/json")
        if method == "POST":
            sent.setdefault("Idempotency-Key", secrets.token_hex(16))
        sent |= self.signature(method, path, body, sent)
        request = urllib.request.Request(self.origin + path, body or None, sent, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def signature(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        created: int | None = None,
        nonce: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that sign a request.

        Args:
            method: As sent.
            path: As sent, with its query.
            body: As sent.
            headers: All others that the request will have.
            created: Seconds since 1970; by default now.
            nonce: 16 to 64 characters never used before; by default drawn.
        """
        added = {"Content-Digest": f"sm3=:{_base64(sm3(body))}:"} if body else {}
        fields = {name.lower(): value for name, value in {**headers, **added}.items()}
        lines = {"@method": method, "@target-uri": self.origin + path}
        lines |= {name: fields[name] for name in COVERED if name in fields}
        begin = int(time.time()) if created is None else created
        names = " ".join(f'"{name}"' for name in lines)
        parameters = (
            f"({names});created={begin};expires={begin + LIFETIME}"
            f';nonce="{nonce or secrets.token_urlsafe(16)}";alg="sm2-sm3";keyid="{self.keyid}";tag="ecert"'
        )
        base = "".join(f'"{name}": {value}\n' for name, value in lines.items()) + f'"@signature-params": {parameters}'
        value = encode_raw(*decode_der(self.key.sign(base.encode("ascii"))))
        return added | {"Signature-Input": f"sig={parameters}", "Signature": f"sig=:{_base64(value)}:"}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def main(arguments: list[str]) -> int:
    """Send the request that the command line describes."""
    if len(arguments) not in (4, 5):
        print(__doc__, file=sys.stderr)
        return 2
    origin, key, method, path, *rest = arguments
    client = Client(origin, PrivateKey.from_pem(Path(key).read_bytes()))
    body = b"" if not rest else sys.stdin.buffer.read() if rest == ["-"] else Path(rest[0]).read_bytes()
    answer = client.request(method, path, body)
    sys.stdout.buffer.write(answer.body)
    print(f"HTTP {answer.status}", file=sys.stderr)
    return 0 if answer.status < HTTPStatus.BAD_REQUEST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
