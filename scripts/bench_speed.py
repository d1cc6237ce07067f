"""SM2 and the pipeline: our figures beside those of OpenSSL and gmssl, in one run on one core."""

from __future__ import annotations

import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench_figures import figure, per_second
from bench_ofd import OfdBench
from bench_sm2 import INNER, MESSAGE, measure_sm2, openssl_speed
from gmssl.sm2 import CryptSM2

from api.ledger import SqlLedger
from ecert.errors import EcertError
from ecert.issuance import issue
from ecert.licence.types import find_type
from ecert.sm2 import PrivateKey, decode_der
from ecert.sm2.engine import _Tables
from ecert.verification import Outcome, assess
from tests.world import HOST, ISSUER, World, demo_application


def measure(seconds: float) -> list[dict[str, Any]]:
    """Measure everything, `seconds` for each figure."""
    key = PrivateKey.generate()
    signature = key.sign(MESSAGE)
    public = key.public_key
    e, (r, s) = public.message_digest(MESSAGE), decode_der(signature)
    tables = _Tables()
    handle = tables.load_public(public.point)
    oracle = CryptSM2(private_key=secrets.token_hex(31), public_key=public.point[1:].hex())
    raw = f"{r:064x}{s:064x}"

    sm2, p256 = openssl_speed("sm2", 2), openssl_speed("ecdsap256", 2)
    sm2_name = "openssl speed sm2"
    ours_sign = per_second(lambda: key.sign(MESSAGE), seconds)
    ours_verify = per_second(lambda: public.verify(signature, MESSAGE), seconds, INNER)
    gmssl_sign = per_second(lambda: oracle.sign(e, secrets.token_hex(31)), seconds)
    gmssl_verify = per_second(lambda: oracle.verify(raw, e), seconds)
    figures = [
        figure("sm2_sign", ours_sign, "1/s", sm2_name, sm2[0] if sm2 else None),
        figure("sm2_sign_vs_gmssl", ours_sign, "1/s", "gmssl", gmssl_sign),
        figure("sm2_verify", ours_verify, "1/s", sm2_name, sm2[1] if sm2 else None),
        figure("sm2_verify_vs_gmssl", ours_verify, "1/s", "gmssl", gmssl_verify),
        figure("sm2_verify_vs_p256", ours_verify, "1/s", "openssl speed ecdsap256", p256[1] if p256 else None),
        figure(
            "sm2_verify_python_tables",
            per_second(lambda: tables.verify(handle, e, r, s), seconds),
            "1/s",
            "sm2_verify",
            ours_verify,
        ),
        figure("gmssl_sm2_sign", gmssl_sign, "1/s", sm2_name, sm2[0] if sm2 else None),
        figure("gmssl_sm2_verify", gmssl_verify, "1/s", sm2_name, sm2[1] if sm2 else None),
    ]
    for name, speed in (("openssl_sm2", sm2), ("openssl_p256", p256)):
        if speed:
            figures.append(figure(f"{name}_sign", speed[0], "1/s", "", None))
            figures.append(figure(f"{name}_verify", speed[1], "1/s", "", None))
    return (
        measure_sm2(seconds)
        + figures
        + pipeline(seconds, ours_sign, ours_verify)
        + files(seconds, ours_sign, ours_verify)
    )


def pipeline(seconds: float, ours_sign: float, ours_verify: float) -> list[dict[str, Any]]:
    """Measure whole verifications (text in, verdict out) and whole issuances (application in, sealed licence out)."""
    world = World()
    licence, application = world.issue(), demo_application("business-licence")
    registry = world.registry()
    status = world.status(registry)
    text = licence.text(HOST)
    definition = find_type(application.type_code)
    issuer = registry.find(world.keys[ISSUER].public_key.key_id)
    assert issuer is not None  # noqa: S101  (the world registers it)

    def check() -> None:
        assert assess(text, registry=registry, status=status, at=world.now).outcome is Outcome.VALID  # noqa: S101

    with tempfile.TemporaryDirectory() as folder, SqlLedger(Path(folder) / "ledger.db") as ledger:

        def make() -> None:
            issue(
                application,
                definition,
                issuer,
                signer=world.keys[ISSUER],
                ledger=ledger,
                now=world.clock,
                entropy=secrets.token_bytes,
            )

        issued = per_second(make, seconds)
    checked = per_second(check, seconds, INNER)
    return [
        figure("qr_verify", checked, "1/s", "sm2_verify", ours_verify),
        figure("qr_verify_without_sm2", 100 * (1 - checked / ours_verify), "%", "", None),
        figure("issue_record", issued, "1/s", "sm2_sign", ours_sign),
    ]


def files(seconds: float, ours_sign: float, ours_verify: float) -> list[dict[str, Any]]:
    """Measure OFD files: made and sealed, and verified; nothing where no fonts are installed."""
    try:
        bench = OfdBench()
    except EcertError as error:
        print(f"OFD: {error.detail}", file=sys.stderr)
        return []
    return [
        figure("issue_ofd", per_second(bench.issue, seconds), "1/s", "sm2_sign", ours_sign),
        figure("ofd_verify", per_second(bench.verify, seconds), "1/s", "sm2_verify", ours_verify),
    ]
