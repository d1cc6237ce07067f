"""A window in Shanghai with the matters of the demonstration, and people who come to it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ecert.matter import Case, Declared, Identified, Matter, Matters, Person, Reference, Shown, asked_fields
from ecert.presentation import CounterConsent, CounterForm, Requester, Use, Way, bind, grant_at_counter
from ecert.receipt import Place
from ecert.sm2 import sm3
from tests.receipt.world import PLACE, WindowWorld
from tests.world import DATA, OTHER, demo_application

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.issuance import SealedLicence
    from ecert.licence.application import Application
    from ecert.presentation import Grant

FILES = sorted((DATA / "matters").glob("*.json"))
MATTERS = Matters(Matter.from_json(file.read_bytes()) for file in FILES)
PURPOSE = "办理政务服务事项"
GUANGZHOU = Place("11440100DEMG70004T", "广州样例政务服务中心", "440106", "天河1号窗口", "clerk-1")
WANG = Person("王示例", "440000199003070024", "111", Identified.CARD_READER)
COMPANY = Person("广州示例样品云图智能制造科技发展有限公司", "91440106DEMX000498", "001", Identified.TYPED)


def matter(slug: str) -> Matter:
    return Matter.from_json((DATA / "matters" / f"{slug}.json").read_bytes())


@dataclass
class Window:
    """A world with a window in it, where one case is built up."""

    world: WindowWorld = field(default_factory=WindowWorld)

    @property
    def now(self) -> datetime:
        return self.world.now

    def case(self, slug: str, *shown: Shown, **changes: Any) -> Case:
        asked = matter(slug)
        given: dict[str, Any] = {
            "matter": asked,
            "place": PLACE,
            "use": Use(asked.name, asked.item_code, "case-1", PURPOSE),
            "applicant": WANG,
            "agent": None,
            "shown": shown,
            "declared": Declared(),
            "promises_barred": False,
            "at": self.now,
        }
        return Case(**given | changes)

    def issue(self, application: Application | str = "resident-identity-card") -> SealedLicence:
        made = demo_application(application) if isinstance(application, str) else application
        return self.world.issue(made) if made.area_code.startswith("44") else self.world.issue(made, by=OTHER)

    def show(self, licence: SealedLicence, slug: str, **changes: Any) -> Shown:
        """Show a licence for a matter, with the holder's consent to everything the matter reads in it."""
        given: dict[str, Any] = {
            "verdict": changes.pop("verdict", None) or self.world.assess(licence.record),
            "digest": sm3(licence.record),
            "way": Way.PULL,
            "grant": self.grant(licence, slug),
            "copy": sm3(b"copy of " + licence.record),
        }
        return Shown(**given | changes)

    def grant(self, licence: SealedLicence, slug: str, **changes: Any) -> Grant:
        asked = matter(slug)
        unit = Requester(PLACE.unit, PLACE.name, "clerk-7")
        binding = bind(unit, Use(asked.name, asked.item_code, "case-1", PURPOSE), licence.identifier)
        fields = asked_fields(asked, licence.identifier.type_code)
        consent = CounterConsent(CounterForm.PAPER, "ab" * 32, self.now + timedelta(days=1))
        return grant_at_counter(
            replace(binding, **changes), fields, consent, operator="clerk-7", entropy=secrets.token_bytes, at=self.now
        )


def reference(case: Case, days: int = 10) -> Reference:
    return Reference("样例部门", "2026-1", (case.at - timedelta(days=days)).date())
