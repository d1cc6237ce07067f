"""Writes docs/vectors/message-signatures.json anew, from a fixed key: `.venv/bin/python scripts/make_vectors.py`.

SM2 signatures are random: every run writes other signature values over the same signature bases. Whoever changes the
profile runs it, and says so in the change log.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ecert.sm2 import PrivateKey, decode_der, encode_raw
from ecert.web.message_signatures import read_signature, sign
from ecert.web.signature_base import PROTECTED, Message, Parameters, signature_base, signature_parameters

OUT = Path(__file__).parents[1] / "docs/vectors/message-signatures.json"
KEY = PrivateKey(bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"))
"""The private key of the example in GM/T 0003.5, Annex A: known to everybody, good for nothing else."""
KEY_ID = "example-department-1"
CREATED = datetime.fromtimestamp(1_795_600_000, UTC)
NONCE = "bm9uY2Utb2YtMTYtYnl0"
URI = "https://issuing.example/api/v1/licences"
BODY = '{"certificateHolderName":"示例样品有限公司"}'.encode()
JSON = ("Content-Type", "application/json")
IDEMPOTENCY = ("Idempotency-Key", '"8e03978e-40d5-43dd-bc93-6894a57f9324"')
Case = dict[str, Any]


def signed(message: Message, **other: Any) -> Message:
    """Return a message with its signature."""
    given: dict[str, Any] = {"keyid": KEY_ID, "created": CREATED, "nonce": NONCE} | other
    return replace(message, headers=(*message.headers, *sign(message, KEY, **given).items()))


def signed_parts(message: Message) -> Message:
    """Return a message signed over the parts of its target, without `alg`, under another label, after a proxy's."""
    covered = ("@authority", "@path", "@query", "@method", "idempotency-key")
    parameters: Parameters = {
        "tag": "ecert", "keyid": KEY_ID, "nonce": NONCE, "expires": 1_795_600_300, "created": 1_795_600_000,
    }  # fmt: skip
    value = encode_raw(*decode_der(KEY.sign(signature_base(message, covered, parameters))))
    others = ('proxy=("@method");created=1;keyid="p"', "proxy=:AAAA:")
    ours = (f"a1={signature_parameters(covered, parameters)}", f"a1=:{base64.b64encode(value).decode()}:")
    names = ("Signature-Input", "Signature")
    return replace(
        message, headers=(*message.headers, *zip(names, others, strict=True), *zip(names, ours, strict=True))
    )


def altered(message: Message, **headers: str) -> Message:
    """Return a message with some headers' values replaced."""
    changed = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return replace(message, headers=tuple((name, changed.get(name.lower(), value)) for name, value in message.headers))


def case(name: str, message: Message, outcome: str = "ok", now: timedelta = timedelta(seconds=5)) -> Case:
    """Write one case down; a good one with its signature base."""
    found: Case = {
        "name": name,
        "outcome": outcome,
        "now": int((CREATED + now).timestamp()),
        "method": message.method,
        "target_uri": message.target_uri,
        "headers": [list(pair) for pair in message.headers],
        "body": message.body.decode() if isinstance(message.body, bytes) else "",
    }
    if outcome == "ok":
        signature = read_signature(message, CREATED + now)
        found |= {"signature_base": signature.base.decode(), "signature": signature.value.hex()}
    return found


def cases() -> list[Case]:
    """Return all cases."""
    get = Message("GET", f"{URI}?cursor=b&limit=20", ())
    post = Message("POST", URI, (JSON, IDEMPOTENCY), BODY)
    good = signed(post)
    other = sign(replace(post, body=b"{}"), KEY, keyid=KEY_ID, created=CREATED, nonce=NONCE)["Content-Digest"]
    odd = Message("DELETE", "HTTPS://Issuing.Example:443", (IDEMPOTENCY,))
    late = replace(signed(get), headers=(*signed(get).headers, IDEMPOTENCY))
    short = dict(good.headers)["Signature-Input"].replace(NONCE, "c2hvcnQ")
    without = replace(good, headers=tuple(pair for pair in good.headers if not pair[0].startswith("Signature")))
    return [
        case("a request without a body", signed(get)),
        case("a request with a body", good),
        case("the parts of the target, beside a proxy's signature", signed_parts(odd)),
        case("another body", replace(good, body=BODY + b" "), "request-digest-mismatch"),
        case(
            "another body and its digest",
            altered(replace(good, body=b"{}"), content_digest=other),
            "request-signature-bad",
        ),
        case("another target", replace(good, target_uri=f"{URI}/1"), "request-signature-bad"),
        case("another method", replace(good, method="PUT"), "request-signature-bad"),
        case("another idempotency key", altered(good, idempotency_key='"1"'), "request-signature-bad"),
        case("an idempotency key added afterwards", late, "request-signature-coverage"),
        case("a content type given twice", replace(good, headers=(JSON, *good.headers)), "request-signature-coverage"),
        case("no signature", without, "request-unsigned"),
        case("a key nobody registered", signed(post, keyid="somebody-else"), "request-key-unknown"),
        case("expired beyond the skew", good, "request-signature-time", timedelta(seconds=121)),
        case("from the future beyond the skew", good, "request-signature-time", timedelta(seconds=-61)),
        case("good for too long", signed(post, lifetime=timedelta(seconds=301)), "request-signature-time"),
        case("a nonce too short", altered(good, signature_input=short), "request-signature-parameter"),
    ]


def main() -> None:
    """Write the file."""
    content = {
        "about": "HTTP message signatures (RFC 9421) with SM2, algorithm sm2-sm3: docs/signing.md. Bodies are UTF-8.",
        "covered_when_present": list(PROTECTED),
        "key": {
            "keyid": KEY_ID,
            "private_pkcs8": KEY.to_pkcs8().hex(),
            "public_spki": KEY.public_key.spki.hex(),
            "user_id": "1234567812345678",
        },
        "cases": cases(),
    }
    OUT.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
