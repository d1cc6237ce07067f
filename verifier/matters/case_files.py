"""What is kept with a case, and handed over with it: the evidence that its receipt speaks of, in one package.

acceptance.json      the slip, nobody named in full
case.json            the case with the applicant in full, what was declared, and what allowed the use of licences
receipt.bin          the verification receipt: `ecert verify receipt.bin`; `receipt-unsigned.bin` while it waits
copies/N.ofd         the annotated copy (加注件) of the N-th licence of the receipt: `ecert verify copies/N.ofd`
licences/N.ofd|.bin  a licence that came without a copy and settles a material, as it was handed in
consent.png          what the applicant wrote on the screen
SM3SUMS              SM3 of each of them, as `sm3sum` writes it; those of copies stand in the receipt too
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ecert.report import describe_type, timestamp
from ecert.sm2 import sm3
from ecert.verification.files import kind_of_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ecert.matter import Acceptance, Case, Declared, Person, Reference, Shown
    from ecert.presentation import Grant
    from verifier.matters.drafts import Draft
    from verifier.matters.register import Filed

CASE: Final = "case.json"
CONSENT: Final = "consent.png"

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""Every entry of a package has the same time: the same case makes the same bytes."""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of a case.

    Attributes:
        name: Its path in the package.
        title: What it is, in words.
        data: What it holds.
    """

    name: str
    title: str
    data: bytes


def files_of(acceptance: Acceptance, draft: Draft) -> tuple[CaseFile, ...]:
    """Return what is kept with an acceptance."""
    return tuple(_files(acceptance, draft))


def _files(acceptance: Acceptance, draft: Draft) -> Iterator[CaseFile]:
    case = acceptance.case
    yield CaseFile(CASE, "案情与申请人 the case and its applicant", _encode(_case(case)))
    used = {id(one.shown) for one in acceptance.resolutions if one.shown is not None}
    for number, (shown, presented) in enumerate(zip(case.shown, draft.presented, strict=True), 1):
        if presented.copy:
            yield CaseFile(f"copies/{number}.ofd", f"{_title(shown)} 加注件 annotated copy", presented.copy)
        elif id(shown) in used and isinstance(presented.sealed, bytes):
            ending = "bin" if kind_of_file(presented.sealed) is None else "ofd"
            yield CaseFile(f"licences/{number}.{ending}", f"{_title(shown)} 所交证照 as handed in", presented.sealed)
    if draft.handwriting:
        yield CaseFile(CONSENT, "手写授权 consent in handwriting", draft.handwriting)


def _title(shown: Shown) -> str:
    content = shown.verdict.content
    if content is None:
        return "证照"
    code = content.identifier.type_code
    return describe_type(code)["name"] or code


def _encode(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


def _case(case: Case) -> dict[str, Any]:
    grants = [one.grant for one in case.shown if one.grant is not None]
    return {
        "matter": {"item_code": case.matter.item_code, "name": case.matter.name},
        "business_no": case.use.business_no,
        "purpose": case.use.purpose,
        "applicant": _person(case.applicant),
        "agent": None if case.agent is None else _person(case.agent),
        "declared": _declared(case.declared),
        "grants": [_grant(one) for one in grants],
    }


def _person(person: Person) -> dict[str, str]:
    return {
        "name": person.name,
        "code": person.code,
        "code_type": person.code_type,
        "identified": person.identified.value,
    }


def _declared(declared: Declared) -> dict[str, Any]:
    def references(found: Iterable[tuple[str, Reference]]) -> dict[str, Any]:
        return {code: {"source": one.source, "number": one.number, "on": one.on.isoformat()} for code, one in found}

    return {
        "shared": references(declared.shared.items()),
        "issued": references(declared.issued.items()),
        "earlier": references(declared.earlier.items()),
        "promises": dict(declared.promises),
        "deferred": sorted(declared.deferred),
        "paper": dict(declared.paper),
        "same_person": dict(declared.same_person),
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "licence": grant.binding.licence.text,
        "code": grant.code.text,
        "fields": list(grant.fields),
        "operator": grant.operator,
        "ground": grant.ground.value,
        "evidence": grant.evidence,
        "since": timestamp(grant.since),
        "until": timestamp(grant.until),
    }


def pack(filed: Filed, files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the package of an acceptance: its slip, its receipt, and what is kept with it."""
    receipt = "receipt.bin" if filed.signed else "receipt-unsigned.bin"
    whole = [("acceptance.json", _encode(filed.slip)), (receipt, filed.receipt), *files]
    sums = "".join(f"{sm3(data).hex()}  {name}\n" for name, data in whole)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, data in (*whole, ("SM3SUMS", sums.encode())):
            package.writestr(zipfile.ZipInfo(name, _EARLIEST), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
