"""The digest of a request's content (RFC 9530): `Content-Digest: sm3=:…:`.

`sm3` is ours: the 32 bytes of SM3 (GM/T 0004, GB/T 32905). It is not in IANA's registry of digest algorithms. `sha-256`
is, and is accepted as well; the weak ones are not. Where several are given, each that is known must be right.
"""

from __future__ import annotations

import http_sf

from ecert.errors import Reason, RejectedError
from ecert.web.digests import SM3, Digests, digests_of
from ecert.web.signature_base import malformed


def content_digest(body: bytes | Digests) -> str:
    """Return the value of `Content-Digest` for a content, by SM3."""
    return http_sf.ser({SM3: digests_of(body).values[SM3]})


def read_dictionary(value: str, name: str) -> dict[str, object]:
    """Read a dictionary field strictly: what RFC 8941 lets the last one win, a key given twice, is refused here.

    Raises:
        MalformedError: REQUEST_SIGNATURE_MALFORMED; not a dictionary of structured fields.
    """

    def refuse(key: str, _: str) -> None:
        raise malformed(f"{name} has {key} twice")

    try:
        parsed: object = http_sf.parse(value.encode("ascii"), tltype="dictionary", on_duplicate_key=refuse)
    except (http_sf.StructuredFieldError, ValueError) as error:
        raise malformed(f"{name} is not a dictionary of structured fields (RFC 8941)") from error
    return parsed if isinstance(parsed, dict) else {}


def verify_digest(value: str, body: bytes | Digests) -> None:
    """Check a content against the value of its `Content-Digest`.

    Raises:
        MalformedError: REQUEST_SIGNATURE_MALFORMED; the field cannot be read.
        RejectedError: REQUEST_DIGEST_UNSUPPORTED; neither sm3 nor sha-256. REQUEST_DIGEST_MISMATCH: the content is
            another.
    """
    members, digests = read_dictionary(value, "Content-Digest"), digests_of(body).values
    given = {name: members[name] for name in digests if name in members}
    if not given:
        raise RejectedError(Reason.REQUEST_DIGEST_UNSUPPORTED, f"Content-Digest has none of {', '.join(digests)}")
    for name, member in given.items():
        if member != (digests[name], {}):
            raise RejectedError(Reason.REQUEST_DIGEST_MISMATCH, f"the content's {name} is not that in Content-Digest")
