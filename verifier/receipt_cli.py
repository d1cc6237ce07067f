"""`python -m verifier sign-receipts`: receipts made without a network, signed once there is one.

The key is the unit's, and no window has it: a signing agent does, and its policy says `verification-receipt`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecert.cli import entry
from ecert.cli.bundle import load_bundle
from ecert.cli.files import read_bounded, write_atomic
from ecert.errors import EcertError, MalformedError, Reason
from ecert.receipt import MAX_RECEIPT, read_unsigned
from ecert.web.agent_client import open_agent_signer
from verifier.receipt_signing import seal_believed

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.sm2 import Signer
    from ecert.trust import Registry


def sign_receipts(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="待签名的核验凭据 Receipts that wait")],
    *,
    bundle: Annotated[Path, typer.Option(envvar="ECERT_BUNDLE", help="窗口的目录 The window's folder")],
    signer: Annotated[str, typer.Option(envvar="ECERT_SIGNER", help="本单位密钥 The unit's key, agent:SOCKET#NAME")],
) -> int:
    """补签离线出具的核验凭据；每份签后先核验 Sign receipts that wait; each is verified before it is kept."""
    key, registry = open_agent_signer(signer), load_bundle(bundle).registry
    refused = False
    for file in files:
        try:
            _sign(file, key, registry, entry.now().replace(microsecond=0))
        except EcertError as error:
            refused = True
            entry.say(f"! {file}: {entry.explain(error)}")
        else:
            entry.put(str(file))
    return entry.REFUSED if refused else entry.OK


def _sign(file: Path, signer: "Signer", registry: "Registry | None", now: "datetime") -> None:
    receipt = read_unsigned(read_bounded(file, MAX_RECEIPT, Reason.USAGE))
    if receipt is None:
        raise MalformedError(Reason.RECEIPT_MALFORMED, "not a receipt that waits for its signature")
    write_atomic(file, seal_believed(receipt, signer, registry, now=now))
