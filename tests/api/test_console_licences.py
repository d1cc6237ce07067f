"""Licences in the console: filled in, looked at, sealed, found, revealed; and never another department's."""

from __future__ import annotations

import re
from base64 import b64encode
from html import unescape
from typing import TYPE_CHECKING

from api.audit import AuditBook
from api.console.posted import form_values
from ecert.licence.types import find_type
from ecert.ofd.pictures import qr_png
from tests.api.test_licences import count, issue

if TYPE_CHECKING:
    import httpx2

    from tests.api.office import Desk, Site

BUSINESS, DRIVING = find_type("business-licence"), find_type("driving-licence")


def address(page: httpx2.Response, pattern: str) -> str:
    found = re.search(pattern, page.text)
    assert found, page.text
    return unescape(found[1])


def fill_in(site: Site, desk: Desk, slug: str = "business-licence", **changes: str) -> httpx2.Response:
    """Fill in the form of a type, and follow to the preview."""
    values = form_values(site.region.application(slug)) | changes
    code = find_type(slug).code
    files = {"/portrait": ("p.png", qr_png((b"\1\0", b"\0\1")), "image/png")}
    more = {"files": files} if slug == "driving-licence" else {}
    sent = desk.post(f"/console/issue/{code}", values, **more)
    return desk.get(sent.headers["location"]) if sent.status_code == 303 else sent


def seal(desk: Desk, preview: httpx2.Response) -> httpx2.Response:
    once = address(preview, r'name="idempotency_key" value="([^"]+)"')
    return desk.post(address(preview, r'action="([^"]+/seal)"'), {"idempotency_key": once})


def test_a_clerk_fills_in_looks_and_seals(site: Site) -> None:
    desk = site.console("issuer-clerk")
    assert BUSINESS.name in desk.get("/console/issue").text
    assert "form" in desk.get(f"/console/issue/{BUSINESS.code}").text
    preview = fill_in(site, desk)
    assert "尚未签章" in preview.text
    picture = desk.get(address(preview, r'<img src="(/console/drafts/[^"]+)"'))
    assert picture.headers["content-type"] == "image/svg+xml"
    back = desk.get(address(preview, r'href="(/console/issue/[^"]+draft=[^"]+)"'))
    assert site.region.application()["certificateHolderName"] in back.text
    assert count(site.region) == 0
    sent = seal(desk, preview)
    done = desk.get(sent.headers["location"])
    assert "已签章并登记" in done.text
    assert count(site.region) == 1
    for file in re.findall(r'"(/console/licences/[^"]+/files/[^"]+)"', done.text):
        assert desk.get(file).status_code == 200


def test_a_form_sent_twice_seals_once(site: Site) -> None:
    desk = site.console("issuer-clerk")
    preview = fill_in(site, desk)
    first, second = seal(desk, preview), seal(desk, preview)
    assert first.headers["location"] == second.headers["location"]
    assert count(site.region) == 1


def test_what_is_to_be_mended_is_shown_at_its_field_and_nothing_is_kept(site: Site) -> None:
    desk = site.console("issuer-clerk")
    page = fill_in(site, desk, **{"/certificateHolderCode": "91440106DEMX000499"})
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert "91440106DEMX000499" in page.text
    assert "layout-text-undrawable" not in page.text
    odd = fill_in(site, desk, **{"/certificateHolderName": "样例\U0002a700公司"})
    assert odd.status_code == 422
    assert count(site.region) == 0


def test_a_portrait_is_seen_before_and_after(site: Site) -> None:
    desk = site.console("issuer-clerk")
    preview = fill_in(site, desk, "driving-licence")
    picture = desk.get(address(preview, r'<img src="(/console/drafts/[^"]+)"'))
    assert b64encode(qr_png((b"\1\0", b"\0\1"))).decode() in picture.text
    assert desk.get(seal(desk, preview).headers["location"]).status_code == 200


def test_anothers_draft_is_not_there(site: Site) -> None:
    preview = fill_in(site, site.console("issuer-clerk"))
    path = address(preview, r'action="([^"]+)/seal"')
    assert site.console("other-issuer-clerk").get(path).status_code == 404
    assert site.console("other-issuer-clerk").get(f"{path}/face.svg").status_code == 404


def test_licences_are_found_without_anything_personal_in_an_address(site: Site) -> None:
    desk = site.console("issuer-clerk")
    for _ in range(3):
        issue(site, "driving-licence")
    application = site.region.application("driving-licence")
    found = desk.post("/console/licences", {"number": application["certificateNumber"]})
    assert found.text.count("/console/licences/") >= 3
    assert application["certificateHolderName"] not in found.text
    assert "没有符合条件的证照" in desk.post("/console/licences", {"number": "别的编号"}).text
    assert "日期写作" in desk.post("/console/licences", {"from": "yesterday"}).text
    assert "没有符合条件的证照" in site.console("other-issuer-clerk").post("/console/licences", {}).text


def test_a_persons_data_is_masked_until_it_is_revealed_and_that_is_logged(site: Site) -> None:
    desk = site.console("issuer-clerk")
    key = issue(site, "driving-licence")["key"]
    application = site.region.application("driving-licence")
    page = desk.get(f"/console/licences/{key}")
    assert application["certificateHolderName"] not in page.text
    assert application["certificateNumber"] not in page.text
    assert "face.svg" not in page.text
    revealed = desk.post(f"/console/licences/{key}/reveal")
    assert application["certificateHolderName"] in revealed.text
    assert "face.svg" in revealed.text
    with site.region.ledger() as ledger:
        assert any(b"licence.read" in one for one in AuditBook(ledger.database).entries())
    other = site.console("other-issuer-clerk")
    for path in ("", "/files/record.bin", "/files/face.svg", "/issued"):
        assert other.get(f"/console/licences/{key}{path}").status_code == 404


def test_what_is_written_is_never_read_as_markup(site: Site) -> None:
    desk = site.console("issuer-clerk")
    name = "<script>alert(1)</script>\"'{{7*7}}公司"
    page = fill_in(site, desk, **{"/certificateHolderName": name})
    assert "<script>alert" not in page.text
    assert "{{7*7}}" in unescape(page.text)
    done = desk.get(seal(desk, page).headers["location"])
    assert "<script>alert" not in done.text


def test_the_dashboard_counts(site: Site) -> None:
    issue(site)
    page = site.console("issuer-clerk").get("/console")
    assert page.status_code == 200
    assert BUSINESS.name in page.text
    assert BUSINESS.name not in site.console("other-issuer-clerk").get("/console").text


def test_a_draft_open_in_two_pages_is_sealed_once(site: Site) -> None:
    desk = site.console("issuer-clerk")
    first = fill_in(site, desk)
    second = desk.get(address(first, r'action="([^"]+)/seal"'))
    assert seal(desk, first).status_code == 303
    assert seal(desk, second).status_code in (404, 409)
    assert count(site.region) == 1


def test_what_another_clerk_sealed_is_shown_masked_and_forms_filled_with_it_are_logged(site: Site) -> None:
    key = issue(site, "driving-licence")["key"]
    desk = site.console("issuer-clerk")
    sent = desk.get(f"/console/licences/{key}/issued")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/console/licences/{key}")
    assert desk.get(f"/console/licences/{key}/change").status_code == 200
    with site.region.ledger() as ledger:
        assert any(b"licence.read" in one for one in AuditBook(ledger.database).entries())


def test_the_serial_of_the_paper_is_kept_with_the_licence(site: Site) -> None:
    desk = site.console("issuer-clerk")
    preview = fill_in(site, desk, **{"/paper_serial": "粤A00077777"})
    back = desk.get(address(preview, r'href="(/console/issue/[^"]+draft=[^"]+)"'))
    assert "粤A00077777" in back.text
    key = seal(desk, preview).headers["location"].split("/")[3]
    assert "粤A00077777" in desk.get(f"/console/licences/{key}").text
