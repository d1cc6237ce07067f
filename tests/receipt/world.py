"""The small country of the other tests, with a relying body in it whose window makes receipts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ecert.presentation import Way
from ecert.receipt import CaseOf, Place, Receipt, ReceiptVerdict, SeenLicence, assess_receipt, seal_receipt
from ecert.sm2 import sm3
from ecert.trust import EntryState, Member, Role, StateChange
from ecert.x509 import Profile
from tests.world import BIRTH, World

if TYPE_CHECKING:
    from ecert.issuance import SealedLicence

WINDOW = "11310000DEMH70002Y"
PLACE = Place(WINDOW, "上海样例政务服务中心", "310000", "浦东3号窗口", "clerk-7")
CASE = CaseOf("SH-SBK-01", "社会保障卡申领", "20261123-0001")
MINUTE = timedelta(minutes=1)


@dataclass
class WindowWorld(World):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.certify(WINDOW, Profile.RELYING_PARTY, "310000")

    def _fill(self) -> None:
        super()._fill()
        history = self.history.get(WINDOW, (StateChange(EntryState.ACTIVE, BIRTH),))
        der = self.certificates[WINDOW].der
        self.repository.add_member(
            "310000", Member(Role.RELYING_PARTY, WINDOW, PLACE.name, "Sample centre", (der,), history=history)
        )

    def receipt(self, licence: SealedLicence | None = None, **changes: Any) -> Receipt:
        licence = licence or self.issue()
        verdict = self.assess(licence.record)
        given: dict[str, Any] = {
            "number": "R-0001",
            "made_at": self.now,
            "place": PLACE,
            "case": CASE,
            "applicant": "王*例",
            "licences": (SeenLicence.of(verdict, sm3(licence.record), Way.SHOWING),),
            "materials": (("identity", "licence"),),
        }
        return Receipt(**given | changes)

    def sealed(self, receipt: Receipt | None = None, *, by: str = WINDOW) -> bytes:
        return seal_receipt(receipt or self.receipt(), self.keys[by], at=self.now)

    def look_at(self, data: bytes, **changes: Any) -> ReceiptVerdict:
        registry = changes["registry"] if "registry" in changes else self.registry()
        return assess_receipt(data, registry, now=changes.get("now", self.now))
