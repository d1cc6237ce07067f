"""Having a verification receipt signed, and believing it before anybody else has to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecert.errors import RejectedError
from ecert.receipt import assess_receipt, seal_receipt
from ecert.verification import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.receipt import Receipt
    from ecert.sm2 import Signer
    from ecert.trust import Registry


def seal_believed(receipt: Receipt, signer: Signer, registry: Registry | None, *, now: datetime) -> bytes:
    """Sign a receipt, and verify it as any window will.

    Args:
        receipt: What is to be signed.
        signer: The unit's key, in the keeping of an agent.
        registry: The trust registry held.
        now: The clock, aware UTC, whole seconds.

    Raises:
        CustodyError: the agent does not answer, or refuses.
        RejectedError: windows would not believe it: the key is another's, or the registry held does not tell.
    """
    sealed = seal_receipt(receipt, signer, at=now)
    verdict = assess_receipt(sealed, registry, now=now)
    if verdict.outcome is not Outcome.VALID:
        raise RejectedError(verdict.reason, "windows would not believe it: it was left as it is")
    return sealed
