"""The scan page as a clerk has it open: every outcome, files, camera, voice, a cut and its end; and the public page."""

from __future__ import annotations

import shutil
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from PIL import Image

from ecert.cli.fonts import load_fonts
from ecert.cli.pixels import draw_png
from ecert.presentation import DynamicCode
from ecert.qr import encode_text
from ecert.revocation import State
from tests.agency import until
from tests.browsing import FLAGS, chromium
from tests.ofd.licences import document, sealed
from tests.seal.world import World as SealWorld
from tests.verifier.sealing import make_files
from tests.verifier.test_service import text_of
from verifier.scans import Scan, Scans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from ecert.licence_file import FileMaker
    from tests.verifier.province import Province
    from tests.verifier.servers import WindowProcess

AXE = Path(__file__).parents[1] / "api/console/node_modules/axe-core/axe.min.js"
ELDER = ("22", "30")
GREEN = """[...document.querySelectorAll(".verdict, .verdict *, .notice")].some(
    (one) => getComputedStyle(one).backgroundColor === "rgb(10, 107, 59)")"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@contextmanager
def opened(
    browser: Browser, window: WindowProcess, width: int = 1280, elder: str = "", path: str = "/"
) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": width, "height": 900})
    if elder:
        context.add_cookies([{"name": "display", "value": elder, "url": window.url}])
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{window.url}{path}")
    yield page
    context.close()


def scan(page: Page, text: str) -> str:
    """Scan a code and return the heading of what appears, anew."""
    page.evaluate("document.querySelectorAll('.verdict, .notice').forEach((one) => one.remove())")
    page.fill("#scan", text)
    page.press("#scan", "Enter")
    return page.inner_text(":is(.verdict, .notice) h1")


@pytest.fixture
def scans(province: Province, window: WindowProcess) -> dict[str, tuple[str, str]]:
    """Return a code of every outcome, with the heading that it has."""
    good, revoked, suspended = province.issue(0), province.issue(1), province.issue(1, "food-business-licence")
    province.decide(revoked, State.REVOKED, reason="提供虚假材料取得")
    window.reaches(province.decide(suspended, State.SUSPENDED))
    stranger = bytearray(good.face)
    stranger[11] ^= 1
    forged = bytearray(good.face)
    forged[-1] ^= 1
    return {
        "valid": (text_of(good), "有效 VALID"),
        "masked": (text_of(province.issue(0, "resident-identity-card")), "有效 VALID"),
        "revoked": (text_of(revoked), "无效 INVALID"),
        "suspended": (text_of(suspended), "无效 INVALID"),
        "forged": (encode_text(bytes(forged), "zz.example"), "无效 INVALID"),
        "unknown": (encode_text(bytes(stranger), "zz.example"), "无法判断 CANNOT TELL"),
        "damaged": (f"{text_of(good)[:-1]}?", "没有读出 NOT READ"),
        "cut": (text_of(good)[:-6], "没有读出 NOT READ"),
        "phone": (DynamicCode("440000", bytes(16)).text("zz.example"), "这是手机上的动态码，本窗口没有连接出示服务"),
    }


def test_every_outcome_says_what_to_do_and_only_the_valid_is_green(
    browser: Browser, window: WindowProcess, scans: dict[str, tuple[str, str]]
) -> None:
    with opened(browser, window) as page:
        for name, (text, heading) in scans.items():
            assert scan(page, text) == heading, name
            assert page.evaluate(GREEN) == (heading == "有效 VALID"), name
            assert name == "phone" or page.inner_text(".talk dd >> nth=1"), name
        shown = page.inner_text("#today")
        assert "没有读出" in shown
        assert "王*例" in shown
        assert "王示例" not in page.content()
        assert page.locator(".counts b").all_inner_texts() == ["2", "3", "1", "2"]


def test_the_accessibility_checker_finds_nothing_and_nothing_overflows(
    browser: Browser, window: WindowProcess, scans: dict[str, tuple[str, str]]
) -> None:
    for elder in ("", *ELDER):
        with opened(browser, window, 320, elder) as page:
            for text, _ in ("", ""), *scans.values():
                if text:
                    scan(page, text)
                require_sound(page, f"{elder} {text}")
        with opened(browser, window, 320, elder, "/public") as page:
            page.fill("#scan", scans["valid"][0])
            page.press("#scan", "Enter")
            page.wait_for_selector(".verdict")
            page.wait_for_load_state()
            require_sound(page, f"public {elder}")


def require_sound(page: Page, name: str) -> None:
    for summary in page.query_selector_all("details:not([open]) summary"):
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in tests/api/console")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], name


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_the_elder_mode_is_turned_on_and_made_larger(browser: Browser, window: WindowProcess, *, scripts: bool) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(window.url)
    page.click("text=长辈版")
    page.wait_for_selector(".elder")
    sizes = [size_of(page)]
    while page.is_enabled("button:has-text('大一号')"):
        page.click("button:has-text('大一号')")
        sizes.append(size_of(page))
    assert [round(size * 3 / 4) for size in sizes] == [22, 26, 30]
    for control in page.query_selector_all(":is(button, input, summary, a):visible"):
        box = control.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 60, control.inner_text()
    page.goto(f"{window.url}/public")
    assert round(size_of(page) * 3 / 4) == 30
    page.click("text=标准版")
    assert page.url == f"{window.url}/public"
    assert round(size_of(page) * 3 / 4) == 18
    context.close()


def size_of(page: Page) -> float:
    page.wait_for_load_state()
    return float(page.evaluate("parseFloat(getComputedStyle(document.querySelector('.name')).fontSize)")) / 1.2


def test_a_file_is_told_with_its_first_page_drawn_for_a_while(
    browser: Browser, window: WindowProcess, province: Province, tmp_path: Path
) -> None:
    picture, ofd, rubbish = tmp_path / "code.png", tmp_path / "licence.ofd", tmp_path / "rubbish.ofd"
    picture.write_bytes(draw_png(text_of(province.issue())))
    ofd.write_bytes(sealed(load_fonts(), SealWorld.build(), document()))
    rubbish.write_bytes(b"PK\3\4 no archive")
    with opened(browser, window) as page:
        page.set_input_files("#picture", picture)
        assert page.inner_text(".verdict.valid h1") == "有效 VALID"
        page.set_input_files("#picture", rubbish)
        assert "文件" in page.inner_text(".verdict.invalid .sentence")
        page.set_input_files("#picture", ofd)
        page.wait_for_selector(".drawing img")
        drawn = "document.querySelector('.drawing img')"
        assert page.evaluate(f"{drawn}.decode().then(() => {drawn}.naturalWidth)") > 500
        assert page.locator(".verdict.valid").count() == 0, "nobody here knows who sealed it"
        page.click("text=签章详情")
        assert "电子印章" in page.inner_text(".facts")
        address = page.get_attribute(".drawing img", "src")
    assert httpx2.get(f"{window.url}{address}x").status_code == 404


@pytest.fixture
def files(province: Province) -> FileMaker:
    return make_files(province)


def test_a_licence_s_file_is_valid_with_its_card_its_page_and_its_seal(
    browser: Browser, province: Province, files: FileMaker, window: WindowProcess, tmp_path: Path
) -> None:
    licence = province.issue(files=files)
    assert licence.file is not None
    file = tmp_path / "licence.ofd"
    file.write_bytes(licence.file)
    picture = {"picture": ("licence.ofd", licence.file)}
    until(lambda: 'class="verdict valid"' in httpx2.post(window.url, files=picture, timeout=30).text)
    with opened(browser, window) as page:
        page.set_input_files("#picture", file)
        assert page.inner_text(".verdict h1") == "有效 VALID"
        page.wait_for_selector(".drawing img")
        assert "广州示例样品" in page.inner_text(".card")
        page.click("text=签章详情")
        assert "SM2" in page.inner_text(".facts")
        assert "电子印章" in page.inner_text(".facts")


def test_what_is_dropped_or_pasted_is_verified(browser: Browser, window: WindowProcess, province: Province) -> None:
    picture = list(draw_png(text_of(province.issue())))
    hand_in = """([data, kind]) => {
        const carried = new DataTransfer();
        carried.items.add(new File([new Uint8Array(data)], "code.png", {type: "image/png"}));
        const event = kind === "drop"
            ? new DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true})
            : new ClipboardEvent("paste", {clipboardData: carried, bubbles: true, cancelable: true});
        document.querySelector("main").dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        with opened(browser, window) as page:
            page.evaluate(hand_in, [picture, kind])
            assert page.inner_text(".verdict h1") == "有效 VALID"


def test_the_verdict_is_read_aloud_when_asked_and_always_while_switched_on(
    browser: Browser, window: WindowProcess, province: Province
) -> None:
    text = text_of(province.issue())
    with opened(browser, window) as page:
        page.evaluate(
            "() => { window.said = []; SpeechSynthesis.prototype.speak = (one) => said.push([one.lang, one.text]); }"
        )
        scan(page, text)
        assert page.evaluate("said") == []
        page.click("#again")
        assert page.evaluate("said") == [["zh-CN", "有效。证照有效。可以受理。"]]
        page.check("#voice")
        scan(page, text)
        until(lambda: page.evaluate("said.length") == 2)


def film(folder: Path, text: str) -> Path:
    """Make a video of a code that is held before a camera, as Chromium plays one."""
    code = folder / "code.png"
    code.write_bytes(draw_png(text))
    frame = Image.new("RGB", (640, 480), "white")
    drawn = Image.open(code).convert("RGB")
    drawn = drawn.resize((440, 440), Image.Resampling.NEAREST)
    frame.paste(drawn, (100, 20))
    out = folder / "camera.mjpeg"
    frame.save(folder / "frame.jpg", quality=95)
    out.write_bytes((folder / "frame.jpg").read_bytes() * 5)
    return out


def test_a_code_before_the_camera_is_read_and_verified_once(
    browser: Browser, window: WindowProcess, province: Province, tmp_path: Path
) -> None:
    video = film(tmp_path, text_of(province.issue()))
    flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    filming = browser.browser_type.launch(
        executable_path=shutil.which("chromium"),
        args=[*FLAGS, *flags, f"--use-file-for-fake-video-capture={video}"],
    )
    with closing(filming), opened(filming, window) as page:
        page.click("#camera-switch")
        assert page.inner_text(".verdict h1") == "有效 VALID"
        page.wait_for_timeout(2500)
        assert page.locator(".counts b").first.inner_text() == "1"
        page.click("#camera-switch")
        assert not page.is_visible("#video")


def test_a_clock_that_is_behind_makes_what_the_page_keeps_no_newer(
    browser: Browser, window: WindowProcess, scans: dict[str, tuple[str, str]]
) -> None:
    with opened(browser, window) as page:
        page.clock.set_system_time(datetime.now(UTC) - timedelta(days=2))
        page.reload()
        until(lambda: page.evaluate("localStorage.getItem('service-time') !== null"))
        page.wait_for_timeout(500)
        window.kill()
        assert scan(page, scans["valid"][0]) == "有效 VALID"
        assert "断网核验" in page.inner_text(".verdict")
        assert scan(page, scans["revoked"][0]) == "无效 INVALID"
        window.start()


def test_a_cut_is_told_codes_are_verified_on_with_their_age_and_the_service_is_found_again(
    browser: Browser, window: WindowProcess, scans: dict[str, tuple[str, str]]
) -> None:
    with opened(browser, window) as page:
        assert page.evaluate("navigator.serviceWorker.ready.then((one) => Boolean(one.active))")
        until(
            lambda: page.evaluate("performance.getEntriesByName(location.origin + '/offline/bundle.json').length > 0")
        )
        window.kill()
        for name, (text, heading) in scans.items():
            expected = "无法判断 CANNOT TELL" if name == "phone" else heading
            assert scan(page, text) == expected, name
            assert "断网核验" in page.inner_text(".verdict"), name
        scan(page, scans["valid"][0])
        assert "状态截至" in page.inner_text(".known")
        assert "本页名录截至" in page.inner_text("#offline")
        assert not page.is_visible("#lights"), "what it last said is no longer known"
        page.set_viewport_size({"width": 320, "height": 900})
        require_sound(page, "in a cut")
        page.evaluate("localStorage.setItem('service-time', '4000000000')")
        page.reload()
        page.wait_for_selector("#offline", state="visible")
        kept = "fetch('/offline/bundle.json').then((answer) => answer.headers.get('X-Kept'))"
        assert page.evaluate(kept) == "1"
        assert page.evaluate("localStorage.getItem('service-time')") == "4000000000", "a kept answer tells no time"
        page.evaluate("localStorage.removeItem('service-time')")
        page.reload()
        assert scan(page, scans["revoked"][0]) == "无效 INVALID"
        assert "证照已吊销" in page.inner_text(".sentence")
        scan(page, scans["valid"][0])
        window.start()
        page.wait_for_selector("#offline", state="hidden")
        page.wait_for_selector("text=断网期间核验的 2 张已联网复核，结论都没有变")
        assert [one.inner_text() for one in page.query_selector_all(".counts b")][:2] == ["1", "1"]
        page.click("text=知道了")
        assert page.locator(".again").count() == 0
        assert scan(page, scans["valid"][0]) == "有效 VALID"
        assert "断网核验" not in page.inner_text(".verdict")


def test_what_was_verified_in_a_cut_is_asked_again_and_another_verdict_is_told(
    browser: Browser, window: WindowProcess, province: Province
) -> None:
    licence = province.issue()
    with opened(browser, window, 320) as page:
        page.evaluate("navigator.serviceWorker.ready")
        assert scan(page, text_of(licence)) == "有效 VALID"
        page.check("#voice")
        page.evaluate("() => { window.said = []; SpeechSynthesis.prototype.speak = (one) => said.push(one.text); }")
        page.context.set_offline(True)
        page.wait_for_selector("#offline", state="visible")
        assert scan(page, text_of(licence)) == "有效 VALID"
        window.reaches(province.decide(licence, State.REVOKED))
        page.context.set_offline(False)
        page.wait_for_selector("text=断网期间核验的 1 张已联网复核，1 张的结论有变")
        (row,) = page.query_selector_all(".again li.invalid")
        assert "有效 → 无效，证照已吊销" in row.inner_text()
        assert page.inner_text(".verdict h1") == "无效 INVALID", "what is shown is what is known now"
        assert any("1 张结论有变" in one for one in page.evaluate("said"))
        require_sound(page, "checked again")


def test_what_a_proxy_says_is_no_answer_and_loses_nothing(
    browser: Browser, window: WindowProcess, province: Province
) -> None:
    first, second = (text_of(province.issue(row)) for row in range(2))
    with opened(browser, window) as page:
        until(
            lambda: page.evaluate("performance.getEntriesByName(location.origin + '/offline/bundle.json').length > 0")
        )
        page.wait_for_timeout(300)
        page.route("**/*", lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway"))
        for text in (first, second):
            assert scan(page, text) == "有效 VALID"
            assert "断网核验" in page.inner_text(".verdict")
        page.set_input_files("#picture", {"name": "p.png", "mimeType": "image/png", "buffer": draw_png(first)})
        page.wait_for_selector(".notice")
        page.unroute("**/*")
        page.wait_for_selector("text=断网期间核验的 2 张已联网复核，结论都没有变")
        assert page.locator(".counts b").first.inner_text() == "2"
        assert page.locator(".notice").count() == 1, "what the clerk looks at is not replaced by what was before it"
        assert page.locator(".verdict").count() == 0


def test_the_worker_keeps_every_part_of_the_page(window: WindowProcess) -> None:
    static = Path(__file__).parents[2] / "verifier" / "static"
    worker = httpx2.get(f"{window.url}/worker.js").text
    files = [*(static / "window").iterdir(), *(static / "offline").iterdir()]
    parts = [f"/static/{file.relative_to(static)}" for file in files]
    assert parts
    assert all(f'"{part}"' in worker for part in parts)
    assert "今天还没有扫描" in httpx2.get(f"{window.url}/shell").text


def test_the_browser_s_bundle_is_asked_for_once_and_names_nobody(window: WindowProcess, province: Province) -> None:
    licence = province.issue(0, "resident-identity-card")
    window.reaches(province.decide(licence, State.REVOKED))
    first = httpx2.get(f"{window.url}/offline/bundle.json")
    again = httpx2.get(f"{window.url}/offline/bundle.json", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert first.headers["cache-control"] == "no-cache"
    assert licence.identifier.serial not in first.text
    assert len(first.json()["regions"]) == 1


def test_the_public_page_tells_validity_and_nothing_of_the_licence(window: WindowProcess, province: Province) -> None:
    licence = province.issue()
    page = httpx2.post(f"{window.url}/public", data={"text": text_of(licence)}).text
    for words in ("有效", "VALID", "状态截至"):
        assert words in page
    for secret in (licence.identifier.serial, "广州示例样品", "样例市场监督管理局", "广东省"):
        assert secret not in page
    page = httpx2.post(f"{window.url}/public", files={"picture": draw_png(text_of(licence))}).text
    assert "VALID" in page
    assert httpx2.get(f"{window.url}/").text.count("<b>0</b>") == 4, "the window does not count them as its own"


def test_forms_of_other_sites_are_refused(window: WindowProcess, province: Province) -> None:
    for path in ("/", "/public", "/display"):
        headers = {"Sec-Fetch-Site": "cross-site"}
        answer = httpx2.post(f"{window.url}{path}", data={"text": text_of(province.issue())}, headers=headers)
        assert answer.status_code == 403
        assert "请求来自其他网站" in answer.text


def test_names_on_a_licence_and_of_a_file_never_become_markup(
    browser: Browser, window: WindowProcess, province: Province
) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    answer = httpx2.post(window.url, files={"picture": (nasty, b"no picture")})
    assert "<img" not in answer.text
    text = text_of(province.issue(holder=nasty))
    with opened(browser, window) as page:
        until(
            lambda: page.evaluate("performance.getEntriesByName(location.origin + '/offline/bundle.json').length > 0")
        )
        for judged_by in ("service", "page"):
            assert scan(page, text) == "有效 VALID"
            assert nasty in page.inner_text(".card .holder"), judged_by
            assert page.locator("main img").count() == 0
            page.route("**/*", lambda route: route.abort())


def test_a_day_s_scans_end_with_the_day() -> None:
    scans = Scans()
    evening, midnight = datetime(2026, 11, 26, 15, 59, tzinfo=UTC), datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
    scans.add(Scan(evening, "valid", "营业执照", "某公司", "广东省", "证照有效"))
    assert (len(scans.last(evening)), scans.counts(evening)) == (1, {"valid": 1})
    assert (len(scans.last(midnight)), scans.counts(midnight)) == (0, {})
