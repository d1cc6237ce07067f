"""What is asked of TUF metadata before python-tuf sees it, and its errors in our words.

python-tuf reads JSON leniently: any depth, repeated keys, any key type it has a verifier for. Here a file is
bounded, each JSON key stands once, every signing key is SM2, and `issuedAt` says when it was signed, since TUF
itself only knows until when it is good.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from securesystemslib.exceptions import Error as SslibError
from tuf.api import exceptions
from tuf.api.serialization import DeserializationError, SerializationError

from ecert.errors import MalformedError, Reason, RejectedError
from ecert.trust.strict_json import read_json, read_time
from ecert.trust.tuf_keys import KEY_TYPE, SCHEME

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ROOT: Final = 512 * 1024
"""The longest root metadata in bytes."""
MAX_TIMESTAMP: Final = 16 * 1024
"""The longest timestamp in bytes."""
MAX_SNAPSHOT: Final = 2 * 1024 * 1024
"""The longest snapshot in bytes."""
MAX_TARGETS: Final = 8 * 1024 * 1024
"""The longest metadata of one targets role in bytes."""

_REASONS: Final = (
    (exceptions.UnsignedMetadataError, RejectedError, Reason.REGISTRY_SIGNATURE_BAD),
    (exceptions.ExpiredMetadataError, RejectedError, Reason.REGISTRY_FROZEN),
    (exceptions.LengthOrHashMismatchError, RejectedError, Reason.REGISTRY_MIXED),
    (exceptions.BadVersionNumberError, RejectedError, Reason.REGISTRY_ROLLBACK),
    (DeserializationError, MalformedError, Reason.REGISTRY_MALFORMED),
    (SerializationError, MalformedError, Reason.REGISTRY_MALFORMED),
)


@contextmanager
def in_our_words(name: str, otherwise: Reason = Reason.REGISTRY_MALFORMED) -> Iterator[None]:
    """Turn whatever python-tuf raises about the file `name` into an error of ours.

    Args:
        name: The file, for the message.
        otherwise: The reason of a repository error that has no class of its own.

    Raises:
        MalformedError: it is not such metadata.
        RejectedError: it is, and it is not to be believed.
    """
    try:
        yield
    except (exceptions.RepositoryError, SslibError, ValueError) as error:
        cause = f": {error.__cause__}" if isinstance(error, DeserializationError) else ""
        for kind, ours, reason in _REASONS:
            if isinstance(error, kind):
                raise ours(reason, f"{name}: {error}{cause}") from error
        raise RejectedError(otherwise, f"{name}: {error}") from error


def screen(name: str, data: bytes, limit: int, *, version: int | None = None) -> None:
    """Require what python-tuf does not.

    Args:
        name: The file, for the message.
        data: Hostile bytes.
        limit: The most bytes accepted.
        version: The version it was announced or asked for as; None: any.

    Raises:
        MalformedError: TOO_LARGE; or REGISTRY_MALFORMED: not JSON as metadata is written here.
        RejectedError: REGISTRY_MIXED, it is another version.
    """
    try:
        value = read_json(data, limit)
        signed = _signed_part(value)
        read_time(signed["issuedAt"])
        _require_sm2(signed.get("keys"))
        _require_sm2(signed.get("delegations", {}).get("keys"))
    except MalformedError as error:
        raise MalformedError(error.reason, f"{name}: {error.detail}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedError(Reason.REGISTRY_MALFORMED, f"{name}: not such metadata: {error}") from error
    if version is not None and signed.get("version") != version:
        raise RejectedError(Reason.REGISTRY_MIXED, f"{name}: version {version} was expected")


def _signed_part(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != {"signed", "signatures"}:
        raise ValueError("not an object of `signed` and `signatures`")
    if not isinstance(value["signed"], dict):
        raise TypeError("`signed` is not an object")
    return value["signed"]


def _require_sm2(keys: Any) -> None:
    """Require that all keys are SM2: python-tuf would ask other engines, and even start a program, for others."""
    for key_id, key in ({} if keys is None else keys).items():
        if (key["keytype"], key["scheme"]) != (KEY_TYPE, SCHEME):
            raise ValueError(f"key {key_id} is not an SM2 key")
