"""Many signatures verified at once: each is still checked exactly, and all together cost less than one by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

from ecert.errors import MalformedError, RejectedError
from ecert.sm2 import engine
from ecert.sm2.kernel import FITS
from ecert.sm2.keys import DEFAULT_USER_ID, PublicKey, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

Claim: TypeAlias = tuple[PublicKey, bytes, bytes]
"""Whose signature it is said to be, the signature, and the message."""


def verify_many(
    claims: Sequence[Claim], user_id: bytes = DEFAULT_USER_ID, *, raw: bool = False, threads: int = 1
) -> list[MalformedError | RejectedError | None]:
    """Verify many signatures under one user ID, and say for each what is wrong with it.

    A group of 128 or more under known keys is fastest. The work is done without the GIL.

    Args:
        claims: In any order, under any keys.
        user_id: The signers' identity.
        raw: The signatures are 64 raw bytes each; otherwise DER.
        threads: Over how many threads the work is spread.

    Returns:
        One for each claim, in order: the error that `PublicKey.verify` would raise, or None where the signature holds.

    Raises:
        MalformedError: the user ID is longer than 8191 bytes.
    """
    if threads > 1 and len(claims) > 1:
        share = -(-len(claims) // threads)
        parts = [claims[at : at + share] for at in range(0, len(claims), share)]
        with ThreadPoolExecutor(len(parts)) as pool:
            done = pool.map(lambda part: verify_many(part, user_id, raw=raw), parts)
            return [error for part in done for error in part]
    kernel = engine.kernel()
    if kernel is None:
        return [_verify(claim, user_id, raw=raw) for claim in claims]
    load, default = kernel.load_public, user_id == DEFAULT_USER_ID
    questions = [(load(key.point), seal, message, None if default else key.z(user_id)) for key, seal, message in claims]
    answers = kernel.answer_many(questions, raw=raw)
    if answers.count(FITS) == len(answers):
        return [None] * len(answers)
    return [
        None if answer == FITS else refusal(answer, claim[1], raw=raw)
        for answer, claim in zip(answers, claims, strict=True)
    ]


def _verify(claim: Claim, user_id: bytes, *, raw: bool) -> MalformedError | RejectedError | None:
    key, signature, message = claim
    try:
        (key.verify_raw if raw else key.verify)(signature, message, user_id)
    except (MalformedError, RejectedError) as error:
        return error
    return None
