"""A type that a department wrote is issued like any other: record, file and page, and windows take its licences."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ecert.cli.published import load_published_holdings
from ecert.trust import Grant
from ecert.verification import Outcome
from ecert.verification.files import FileKind, Question, assess_file
from tests.api.catalogue.writing import CODE, published
from tests.api.province import GUANGDONG, now
from tests.trust.country import BIRTH

if TYPE_CHECKING:
    from tests.api.office import Site


def test_a_licence_of_a_departments_own_type_is_issued_and_shown(site: Site) -> None:
    published(site)
    provinces = site.region.provinces
    entry = provinces.country.issuer(GUANGDONG, Grant(CODE, ("44",), ("*",), BIRTH))
    provinces.repository.add_member(GUANGDONG, entry, CODE[:18])
    provinces.put_out_registry()
    application = site.region.application(certificateTypeCode=CODE, extendInfo={"premises": "示例路9号"})
    issued = site.post(
        "issuer-clerk", "/api/v1/licences", {"application": application | {"certificateExpiringDate": None}}
    )
    assert issued.status_code == 201, issued.text
    files = issued.json()["files"]
    assert "经营场所：示例路9号" in site.call("issuer-clerk", "GET", files["picture"]).text
    ofd = site.call("issuer-clerk", "GET", files["ofd"]).content
    provinces.now = now()
    provinces.publish()
    moment = now() + timedelta(seconds=1)
    held = load_published_holdings(provinces.published, moment)
    verdict = assess_file(ofd, FileKind.OFD, held, Question(at=moment, now=moment))
    assert verdict.outcome is Outcome.VALID
