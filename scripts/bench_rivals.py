"""What else verifies in Python, installed from PyPI into a folder of its own and run beside ours.

`scripts/bench compared` measures ours, makes the folder, and runs this file in it: it reads one signature from standard
input and prints how often a second of CPU time each package verifies it. The last three verify credentials of
their own kinds, over P-256: COSE as in an EU digital COVID certificate, an SD-JWT, an ISO 18013-5 mdoc.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGES = (
    "cbor2<6",  # pycose reads lists, where 6 gives tuples
    "cryptography==50.0.2",
    "gmssl==3.2.2",
    "gmssl-pyx==2.1.0",
    "gmalg==1.1.2",
    "gmalglib==0.5.9",
    "snowland-smx==1.1.0",
    "tongsuopy==1.0.1",
    "pycose==1.1.0",
    "sd-jwt==0.10.4",
    "pymdoccbor==1.4.0",
)
SECONDS = 0.3
ROUNDS = 3


def rate(action: Callable[[], object]) -> float:
    """Return how often `action` runs in a second of CPU time: the best of three."""
    rates = []
    for _ in range(ROUNDS):
        count, began = 0, time.process_time()
        while (spent := time.process_time() - began) < SECONDS:
            action()
            count += 1
        rates.append(count / spent)
    return max(rates)


def gmssl(given: dict[str, bytes]) -> Callable[[], object]:
    """gmssl, pure Python."""
    oracle = importlib.import_module("gmssl.sm2").CryptSM2(private_key="", public_key="")
    oracle.public_key = given["point"][1:].hex()
    return lambda: oracle.verify_with_sm3(given["raw"].hex(), given["message"])


def gmssl_pyx(given: dict[str, bytes]) -> Callable[[], object]:
    """gmssl-pyx, GmSSL in C."""
    package = importlib.import_module("gmssl_pyx")
    return lambda: package.sm2_verify(given["point"][1:], given["message"], given["der"], signer_id=b"1234567812345678")


def gmalg(given: dict[str, bytes]) -> Callable[[], object]:
    """gmalg, pure Python."""
    key = importlib.import_module("gmalg").SM2(uid=b"1234567812345678", pk=given["point"])
    return lambda: key.verify(given["message"], given["raw"][:32], given["raw"][32:])


def gmalglib(given: dict[str, bytes]) -> Callable[[], object]:
    """gmalglib, C."""
    key = importlib.import_module("gmalglib.sm2").SM2(pk=given["point"], uid=b"1234567812345678")
    return lambda: key.verify(given["message"], given["raw"])


def snowland_smx(given: dict[str, bytes]) -> Callable[[], object]:
    """snowland-smx, pure Python."""
    package = importlib.import_module("pysmx.SM2")
    return lambda: package.Verify(given["raw"], given["message"], given["point"][1:], uid=b"1234567812345678")


def tongsuopy(given: dict[str, bytes]) -> Callable[[], object]:
    """tongsuopy, Tongsuo (OpenSSL) in C."""
    serialization = importlib.import_module("tongsuopy.crypto.serialization")
    ec = importlib.import_module("tongsuopy.crypto.asymciphers.ec")
    hashes = importlib.import_module("tongsuopy.crypto.hashes")
    key = serialization.load_pem_public_key(given["pem"])
    return lambda: key.verify(given["der"], given["message"], ec.ECDSA(hashes.SM3())) is None


def p256(given: dict[str, bytes]) -> Callable[[], object]:
    """cryptography, ECDSA over P-256 with SHA-256: OpenSSL's assembly, another algorithm."""
    ec = importlib.import_module("cryptography.hazmat.primitives.asymmetric.ec")
    hashes = importlib.import_module("cryptography.hazmat.primitives.hashes")
    secret = ec.generate_private_key(ec.SECP256R1())
    way, key = ec.ECDSA(hashes.SHA256()), secret.public_key()
    signature = secret.sign(given["message"], way)
    return lambda: key.verify(signature, given["message"], way) is None


def cose(given: dict[str, bytes]) -> Callable[[], object]:
    """pycose, a COSE_Sign1 with ES256 as in a DCC, decoded and verified."""
    messages = importlib.import_module("pycose.messages")
    headers = importlib.import_module("pycose.headers")
    key = importlib.import_module("pycose.keys").EC2Key.generate_key("P_256")
    algorithm = importlib.import_module("pycose.algorithms").Es256
    made = messages.Sign1Message(
        phdr={headers.Algorithm: algorithm, headers.KID: b"01234567"}, payload=given["message"]
    )
    made.key = key
    encoded = made.encode()

    def check() -> bool:
        message = messages.CoseMessage.decode(encoded)
        message.key = key
        return bool(message.verify_signature())

    return check


def sd_jwt(_given: dict[str, bytes]) -> Callable[[], object]:
    """sd-jwt, the reference implementation: ES256, eight disclosures."""
    key = importlib.import_module("jwcrypto.jwk").JWK.generate(kty="EC", crv="P-256")
    hidden = importlib.import_module("sd_jwt.common").SDObj
    issuer = importlib.import_module("sd_jwt.issuer").SDJWTIssuer
    verifier = importlib.import_module("sd_jwt.verifier").SDJWTVerifier
    claims = {hidden(f"field{number}"): "样例" * 4 for number in range(8)}
    text = issuer({"iss": "https://zz.example", **claims}, key).sd_jwt_issuance
    return lambda: verifier(text, lambda *_: key).get_verified_payload()


def mdoc(_given: dict[str, bytes]) -> Callable[[], object]:
    """pymdoccbor, an ISO 18013-5 mdoc with ES256: signature and eight digests, no certificate path."""
    logging.disable(logging.WARNING)  # it warns every time that it was given no roots
    key = importlib.import_module("pycose.keys").EC2Key.generate_key("P_256")
    described = {"KTY": "EC2", "CURVE": "P_256", "ALG": "ES256", "D": key.d, "KID": b"sample"}
    names = ("country_name", "state_or_province_name", "locality_name", "organization_name", "common_name")
    times = {"not_valid_before": datetime(2026, 1, 1, tzinfo=UTC), "not_valid_after": datetime(2036, 1, 1, tzinfo=UTC)}
    certificate = {**dict.fromkeys(names, "CN"), **times, "san_url": "https://zz.example"}
    issuer = importlib.import_module("pymdoccbor.mdoc.issuer").MdocCborIssuer(
        private_key=described, alg="ES256", cert_info=certificate
    )
    issuer.new(
        data={"org.iso.18013.5.1": {f"field{number}": "样例" * 4 for number in range(8)}},
        doctype="org.iso.18013.5.1.mDL",
        validity={"issuance_date": "2026-01-01", "expiry_date": "2036-01-01"},
        devicekeyinfo=described,
    )
    encoded, verifier = issuer.dump(), importlib.import_module("pymdoccbor.mdoc.verifier").MdocCbor

    def check() -> bool:
        read = verifier()
        read.loads(encoded)
        return bool(read.verify())

    return check


RIVALS = (gmssl, gmssl_pyx, gmalg, gmalglib, snowland_smx, tongsuopy, p256, cose, sd_jwt, mdoc)


def main() -> None:
    """Measure each; where one does not work, say why."""
    given = {name: bytes.fromhex(value) for name, value in json.load(sys.stdin).items()}
    found: dict[str, float | str] = {}
    for rival in RIVALS:
        name = (rival.__doc__ or "").rstrip(".")
        try:
            action = rival(given)
            if not action():
                raise ValueError("it does not verify")  # noqa: TRY301
            found[name] = rate(action)
        except Exception as error:  # noqa: BLE001  (other people's code: whatever it raises is the answer)
            found[name] = f"{type(error).__name__}: {error}"
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
