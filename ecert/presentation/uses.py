"""The record of every use of a licence, which its holder can read: who, when, why, on what ground.

One list for all ways: a phone's showing, a scan of the printed code, a pull by a back office. A use is recorded
whatever came of it. Nothing in it is personal but that it stands in the list of this holder.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ecert.presentation.grants import Ground
from ecert.presentation.reading import MAX_NAME, malformed, require_names, require_seconds, require_text
from ecert.report import describe_type, timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.errors import Reason
    from ecert.licence.identifier import Identifier
    from ecert.presentation.consent import Requester, Use


class Way(StrEnum):
    """How a licence came to be used. Stored: append, never rename."""

    SHOWING = "showing"
    PRINTED_CODE = "printed-code"
    FILE = "file"
    PULL = "pull"


WAY_TITLES: Final = {
    Way.SHOWING: ("出示动态码", "shown by phone"),
    Way.PRINTED_CODE: ("扫描照面码", "printed code scanned"),
    Way.FILE: ("提交证照文件", "file handed in"),
    Way.PULL: ("后台调用", "called up by a back office"),
}
GROUND_TITLES: Final = {
    Ground.PHONE: ("持证主体手机授权", "consent on the phone"),
    Ground.COUNTER: ("持证主体窗口书面授权", "consent recorded at the counter"),
    Ground.LAW: ("依职能", "by law"),
}
_GROUNDED: Final = (Way.PULL,)
"""Ways in which the holder takes no part, so that something else must allow them."""


@dataclass(frozen=True, slots=True)
class LicenceUse:
    """One use of one licence.

    Attributes:
        licence: Which version of which licence.
        at: When, aware UTC, whole seconds.
        way: How.
        by: Who.
        window: The window or system as people know it.
        use: What for; None for a scan without a matter.
        ground: What allowed it; None where the holder showed the licence without more.
        evidence: Of the ground, see `Grant.evidence`; empty without one.
        fields: What was read unmasked, names in ascending order.
        outcome: `ok`, or the code of why it came to nothing.
    """

    licence: Identifier
    at: datetime
    way: Way
    by: Requester
    window: str
    use: Use | None
    ground: Ground | None
    evidence: str
    fields: tuple[str, ...]
    outcome: Reason

    def __post_init__(self) -> None:
        """Refuse a use that says too little."""
        require_seconds(self.at)
        require_text(self.window, MAX_NAME, "the window")
        require_names(self.fields, "the fields read")
        if bool(self.evidence) != (self.ground is not None):
            raise malformed("a ground and its evidence stand together")
        if self.way in _GROUNDED and (self.ground is None or self.use is None):
            raise malformed("a licence is not called up without a ground and a matter")


def use_json(one: LicenceUse) -> dict[str, Any]:
    """Return the JSON object that a holder is shown."""
    ground = None
    if one.ground is not None:
        title, title_en = GROUND_TITLES[one.ground]
        ground = {"code": one.ground.value, "title": title, "title_en": title_en, "evidence": one.evidence}
    title, title_en = WAY_TITLES[one.way]
    return {
        "licence": one.licence.text,
        "type": describe_type(one.licence.type_code),
        "at": timestamp(one.at),
        "way": {"code": one.way.value, "title": title, "title_en": title_en},
        "by": {"code": one.by.code, "name": one.by.name, "operator": one.by.operator, "window": one.window},
        "use": None if one.use is None else use_terms(one.use),
        "ground": ground,
        "fields": list(one.fields),
        "outcome": one.outcome.value,
    }


def use_terms(use: Use) -> dict[str, str]:
    """Return what licences are wanted for, as JSON."""
    return {
        "matter": use.matter,
        "item_code": use.item_code,
        "business_no": use.business_no,
        "purpose": use.purpose,
    }
