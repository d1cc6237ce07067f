"""Whether the signatures of an OFD file are to be believed, and whether they protect all of it (domain.md 7.5).

Of the file:

    ZIP_SAFE    every reader finds the same parts in it            file-unsafe, file-damaged, not-ofd
    SIG_LIST    its signatures can be read, and there is one       file-unsigned, file-part-missing, ...

Of each signature, in this order:

    REF_DIGEST  the parts it protects are as they were             file-part-changed, file-part-missing
    COVERAGE    it protects everything                             file-part-unprotected (see `coverage`)
    DATAHASH, SIG_VALUE, SIGNER_CERT_CHAIN, SIGNER_CERT_TIME, SIGNER_CERT_STATUS, CERT_IN_SEAL_LIST,
    SEAL_SIG, MAKER_CERT, SEAL_TIME, TIMESTAMP                     see `ecert.seal.verification`
    SEAL_MATCH  the seal beside it is the one applied              file-seal-mismatch

Every check is made, whatever the others find; those that need what is not there are skipped. Nothing is raised: a file
that cannot be read gets a report that says so. What no signature protects (the list of signatures, the zip's headers)
decides nothing but where to look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.ofd.coverage import Coverage
from ecert.ofd.package import Package
from ecert.ofd.report import FileCheck, OfdReport, SignatureReport, Verdict, in_order
from ecert.ofd.signature_value import ValueAssessor
from ecert.ofd.signatures import SignatureLists, read_description, read_lists
from ecert.seal import Finding
from ecert.sm2 import sm3
from ecert.x509.schema import require_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from ecert.ofd.signatures import Listing, SignatureDescription
    from ecert.x509 import PathValidator

__all__ = ["FileCheck", "OfdReport", "SignatureReport", "Verdict", "assess_ofd"]

_SHOWN: Final = 5
"""How many parts a detail names."""


def assess_ofd(data: bytes, *, validate: PathValidator, at: datetime, certificates: Iterable[bytes] = ()) -> OfdReport:
    """Make every check on an OFD file and its signatures.

    Args:
        data: The file.
        validate: Decides about certificates, as for `assess_sealing`.
        at: Now, or the instant asked about, aware.
        certificates: In DER; who may have signed where a file carries a bare signature and no certificate.
    """
    try:
        package = Package.read(data)
    except MalformedError as error:
        return OfdReport((Finding(FileCheck.ZIP_SAFE, error), Finding(FileCheck.SIG_LIST, skipped=True)), None, ())
    safe = Finding(FileCheck.ZIP_SAFE)
    try:
        lists = read_lists(package)
        if not lists.listings:
            raise RejectedError(Reason.FILE_UNSIGNED, "the file has no signature")
    except EcertError as error:
        return OfdReport((safe, Finding(FileCheck.SIG_LIST, error)), package, ())
    values = ValueAssessor(validate, require_utc(at), tuple(certificates))
    return OfdReport((safe, Finding(FileCheck.SIG_LIST)), package, _Assessment(package, lists, values).reports())


class _Assessment:
    """One file while it is assessed. What is asked again and again is found out once."""

    def __init__(self, package: Package, lists: SignatureLists, values: ValueAssessor) -> None:
        self._package = package
        self._lists = lists
        self._values = values
        self._coverage = Coverage(package, lists)
        self._descriptions: dict[str, SignatureDescription | MalformedError] = {}
        self._digests: dict[str, bytes] = {}

    def reports(self) -> tuple[SignatureReport, ...]:
        read = [self._describe(listing) for listing in self._lists.listings]
        digests = [_found(FileCheck.REF_DIGEST, one, self._check_references) for one in read]
        intact = [
            one
            for one, finding in zip(read, digests, strict=True)
            if not isinstance(one, MalformedError) and finding.error is None
        ]
        return tuple(
            self._report(listing, one, finding, intact)
            for listing, one, finding in zip(self._lists.listings, read, digests, strict=True)
        )

    def _describe(self, listing: Listing) -> SignatureDescription | MalformedError:
        if listing.part is None:
            return MalformedError(Reason.FILE_PART_MISSING, f"{listing.location} is not in the file")
        if listing.part not in self._descriptions:
            try:
                self._descriptions[listing.part] = read_description(self._package, listing.part)
            except MalformedError as error:
                self._descriptions[listing.part] = error
        return self._descriptions[listing.part]

    def _report(
        self,
        listing: Listing,
        description: SignatureDescription | MalformedError,
        digests: Finding,
        intact: list[SignatureDescription],
    ) -> SignatureReport:
        if isinstance(description, MalformedError):
            return SignatureReport(in_order((digests,)), listing)
        others = [one for one in intact if one.part != description.part]
        covered = _found(FileCheck.COVERAGE, description, lambda one: self._check_coverage(one, others))
        seal = None if description.seal is None else self._package.parts[description.seal]
        found = self._values.assess(self._package.parts[description.value], description, seal)
        return SignatureReport(
            in_order((digests, covered, *found.findings)),
            listing,
            description,
            found.kind,
            found.sealing,
            found.signer,
            found.signed_at,
            found.warnings,
        )

    def _check_references(self, description: SignatureDescription) -> None:
        for reference in description.references:
            if reference.part is None:
                raise RejectedError(Reason.FILE_PART_MISSING, f"{reference.location} is protected, and not there")
        changed = [one.location for one in description.references if self._digest(one.part or "") != one.digest]
        if changed:
            raise RejectedError(Reason.FILE_PART_CHANGED, f"altered after signing: {_names(changed)}")

    def _digest(self, part: str) -> bytes:
        """Return SM3 of a part, computed once, however often it is referred to."""
        if part not in self._digests:
            self._digests[part] = sm3(self._package.parts[part])
        return self._digests[part]

    def _check_coverage(self, description: SignatureDescription, others: list[SignatureDescription]) -> None:
        left = self._coverage.unprotected(description, others)
        if left:
            raise RejectedError(Reason.FILE_PART_UNPROTECTED, f"not protected: {_names(left)}")


def _found(
    check: FileCheck,
    description: SignatureDescription | MalformedError,
    action: Callable[[SignatureDescription], None],
) -> Finding:
    """Make a check that raises what it finds, on a description that may be none."""
    if isinstance(description, MalformedError):
        return Finding(check, description)
    try:
        action(description)
    except EcertError as error:
        return Finding(check, error)
    return Finding(check)


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
