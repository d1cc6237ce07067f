from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ecert.errors import MalformedError, Reason
from ecert.licence.types import find_type
from ecert.presentation import Ground, LicenceUse, ShownItem, Way, show, use_json
from tests.presentation.samples import AT, FIELDS, IDENTITY, UNIT, USE
from tests.world import World, demo_application

if TYPE_CHECKING:
    from collections.abc import Collection


def shown(slug: str, disclosed: Collection[str] = ()) -> dict[str, ShownItem]:
    world = World()
    verdict = world.assess(world.issue(demo_application(slug)).record)
    return {item.name: item for item in show(find_type(slug), verdict.fields, disclosed)}


def test_a_persons_licence_is_masked_unless_something_is_disclosed() -> None:
    items = shown("resident-identity-card")
    assert items["certificateHolderName"].value == "王*例"
    assert items["certificateHolderCode"].value == items["certificateNumber"].value == "4400**********0024"
    assert items["extendInfo.address"] == ShownItem("extendInfo.address", "住址", "Home address", "***", masked=True)
    assert items["extendInfo.birthDate"].masked
    assert not items["certificateEffectiveDate"].masked
    open_items = shown("resident-identity-card", ("certificateHolderName",))
    assert (open_items["certificateHolderName"].value, open_items["certificateHolderName"].masked) == ("王示例", False)
    assert open_items["certificateHolderCode"].masked


def test_what_a_company_makes_public_is_not_masked() -> None:
    items = shown("business-licence")
    assert not any(item.masked for item in items.values())
    assert items["certificateHolderName"].title == "名称"
    assert list(items)[:3] == ["certificateHolderName", "certificateNumber", "certificateHolderCode"]


def test_a_holder_whose_kind_is_not_disclosed_is_masked_as_a_person_is() -> None:
    (item,) = show(find_type("business-licence"), {"certificateHolderName": "样例科技有限公司"})
    assert (item.value, item.masked) == ("样******司", True)


def test_nothing_masked_can_be_found_in_what_is_shown() -> None:
    world = World()
    application = demo_application("real-estate-certificate")
    licence = world.issue(application)
    fields = world.assess(licence.record).fields
    everything = repr(show(find_type("real-estate-certificate"), fields))
    for secret in (application.holder_code, application.holder_name, str(application.fields["location"])):
        assert secret not in everything


def use(**changes: object) -> LicenceUse:
    given: dict[str, object] = {
        "licence": IDENTITY, "at": AT, "way": Way.PULL, "by": UNIT, "window": "浦东3号窗口", "use": USE,
        "ground": Ground.LAW, "evidence": "《样例社会保险办法》第七条", "fields": FIELDS, "outcome": Reason.OK,
    }  # fmt: skip
    return LicenceUse(**given | changes)  # type: ignore[arg-type]


def test_a_holder_reads_who_used_a_licence_when_why_and_on_what_ground() -> None:
    told = use_json(use())
    assert told["by"]["name"] == UNIT.name
    assert told["ground"] == {
        "code": "law", "title": "依职能", "title_en": "by law", "evidence": "《样例社会保险办法》第七条",
    }  # fmt: skip
    assert (told["use"]["purpose"], told["at"], told["way"]["title"]) == (
        USE.purpose, "2026-11-25T02:30:00Z", "后台调用",
    )  # fmt: skip
    scan = use_json(use(way=Way.PRINTED_CODE, ground=None, evidence="", use=None, fields=(), outcome=Reason.REVOKED))
    assert (scan["ground"], scan["use"], scan["outcome"]) == (None, None, "revoked")


@pytest.mark.parametrize("changes", [{"ground": None, "evidence": ""}, {"use": None}, {"evidence": ""}])
def test_nothing_is_called_up_without_ground_and_matter(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        use(**changes)
