"""What lies in a ceremony directory, and under which file names.

- `national-root` with `.pem`, `.key.pem`, `.crl.pem`
- `region-440000` with the same and `.json`: a region's authority
- `status-440000` with `.pem`, `.key.pem`: what signs the region's status lists
- `department-<USCC>`, `seal-maker-<USCC>`, `tsa-<USCC>`, `relying-party-<USCC>` with `.pem`, `.key.pem`, `.json`
- a ministry with vertical administration is a region whose code is its USCC
- any name followed by `.<serial in hex>`, with `.pem`, `.key.pem`: what a rotation replaced
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ecert.errors import EcertError, Reason
from keys.home import KEY_SUFFIX

_FORM: Final = re.compile(
    r"(?:(national-root)|(region|status)-([0-9]{6}|[0-9A-Z]{18})|(department|seal-maker|tsa|relying-party)-([0-9A-Z]{18}))"
    r"(?:\.([0-9a-f]{1,40}))?"
)


class Kind(StrEnum):
    """What a key is for."""

    NATIONAL_ROOT = "national-root"
    REGION = "region"
    STATUS = "status"
    DEPARTMENT = "department"
    SEAL_MAKER = "seal-maker"
    TSA = "tsa"
    RELYING_PARTY = "relying-party"


@dataclass(frozen=True, order=True)
class KeyName:
    """One certificate and its key.

    Attributes:
        kind: What the key is for.
        code: The region code, or the USCC of a ministry or body; empty for the national root.
        serial: Of a certificate that was replaced, its serial number in hex; None for the one in use.
    """

    kind: Kind
    code: str = ""
    serial: str | None = None

    @classmethod
    def parse(cls, text: str) -> KeyName:
        """Read a name such as `region-440000`; nothing that could leave the directory passes.

        Raises:
            EcertError: not such a name.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise EcertError(
                Reason.USAGE,
                f"{text!r} is not a name: expected national-root, region-440000, status-440000, "
                "department-USCC, seal-maker-USCC, tsa-USCC, relying-party-USCC, or one of these with .SERIAL",
            )
        root, of_region, region, of_body, uscc, serial = match.groups()
        return cls(Kind(root or of_region or of_body), region or uscc or "", serial)

    def __str__(self) -> str:
        """Return the text `parse` reads."""
        stem = f"{self.kind}-{self.code}" if self.code else str(self.kind)
        return f"{stem}.{self.serial}" if self.serial else stem

    @property
    def certificate(self) -> str:
        """The certificate's file name."""
        return f"{self}.pem"

    @property
    def key(self) -> str:
        """The private key's file name."""
        return f"{self}{KEY_SUFFIX}"

    @property
    def crl(self) -> str:
        """The file name of the revocation list this authority signs."""
        return f"{self}.crl.pem"

    @property
    def facts(self) -> str:
        """The file name of the public facts, which outlive any one key."""
        return f"{self.current}.json"

    @property
    def current(self) -> KeyName:
        """The name without a serial number: what is in use."""
        return replace(self, serial=None)

    @property
    def is_authority(self) -> bool:
        """Whether this signs certificates and a revocation list."""
        return self.serial is None and self.kind in (Kind.NATIONAL_ROOT, Kind.REGION)


NATIONAL_ROOT: Final = KeyName(Kind.NATIONAL_ROOT)
