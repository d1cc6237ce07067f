"""A window's page: from what a scanner typed to a verdict on the screen, in a real browser; and codes that phones show.

The time in the browser begins when the scanner has typed the last character, with the code decoded, and ends when the
verdict has been painted. One scan follows the other; every code is another licence's.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2
from bench_figures import figure
from bench_verify import window

from api.access.principals import Role
from api.showing.redis_store import RedisShowings
from ecert.presentation import LIFETIME, DynamicCode
from ecert.qr import encode_text
from tests.api.office import Region, serving
from tests.api.province import Provinces
from tests.api.showing.counter import Phone, issue, redeem
from tests.browsing import chromium
from tests.verifier.province import Province
from tests.verifier.servers import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.api.office import Site

VERDICT_GOAL, SERVER_GOAL = 150.0, 50.0
CODES: Final = 40
"""Different licences that are scanned."""
TOGETHER: Final = 32
"""Dynamic codes at once."""
SHOWN: Final = 100
"""Dynamic codes that go all the way, from the phone's request to the window's."""
_SCAN: Final = """async (text) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const before = document.getElementById("results");
  const replaced = new Promise((done) => {
    const watch = new MutationObserver(() => {
      if (document.getElementById("results") !== before) {
        watch.disconnect();
        done();
      }
    });
    watch.observe(document.body, { childList: true, subtree: true });
  });
  document.getElementById("scan").value = text;
  const began = performance.now();
  document.getElementById("scanner").requestSubmit();
  await replaced;
  await painted();
  return [performance.now() - began, document.getElementById("results").innerText];
}"""


def measure_window(seconds: float) -> list[dict[str, Any]]:
    """Measure everything, `seconds` for each figure."""
    return [*_window_figures(seconds), *_code_figures(seconds)]


def _window_figures(seconds: float) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        province = Province(Path(folder) / "published")
        texts = [encode_text(province.issue(number % 2).face, "zz.example") for number in range(CODES)]
        province.publish_snapshot()
        with window(province, Path(folder)) as (_, port):
            address = f"http://127.0.0.1:{port}"
            served = _ask(address, texts, seconds)
            with _page(address) as page:
                seen = _scan(page, texts, seconds)
    goal = "the goal, in the browser, painted"
    yield figure("scan_to_verdict_p50_ms", _percentile(seen, 0.5), "ms", goal, VERDICT_GOAL)
    yield figure("scan_to_verdict_p99_ms", _percentile(seen, 0.99), "ms", goal, VERDICT_GOAL)
    yield figure("scan_served_p99_ms", _percentile(served, 0.99), "ms", "the goal, the page's form alone", SERVER_GOAL)


@contextmanager
def _page(address: str) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.wait_for_selector("#tools:not([hidden])")
        yield page


def _scan(page: Page, texts: list[str], seconds: float) -> list[float]:
    """Return the milliseconds of each scan; the first few, before anything is warm, are left out."""
    spent, until = [], time.monotonic() + max(seconds, 2)
    for number in range(1_000_000):
        taken, said = page.evaluate(_SCAN, texts[number % CODES])
        if "有效" not in said:
            raise SystemExit(f"a valid licence was called: {said[:200]}")
        spent.append(taken)
        if time.monotonic() > until:
            break
    return spent[5:]


def _ask(address: str, texts: list[str], seconds: float) -> list[float]:
    """Return the milliseconds that the service takes for the page's form."""
    spent, until = [], time.monotonic() + seconds
    with httpx2.Client(base_url=address, trust_env=False) as client:
        for number in range(1_000_000):
            began = time.perf_counter()
            answer = client.post("/", data={"text": texts[number % CODES]})
            spent.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
            if time.monotonic() > until:
                break
    return spent[5:]


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(len(ordered) * share))]


def _code_figures(seconds: float) -> Iterator[dict[str, Any]]:
    """Dynamic codes drawn, put up and taken: in Redis alone, and from phone to window through a region's service."""
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder))
        redis.start()
        try:
            rate = asyncio.run(_take_codes(redis.url, seconds))
            yield figure("dynamic_codes_per_s", rate, "1/s", "drawn, put up and taken once, in Redis", None)
            region = Region(Provinces(Path(folder)))
            region.add_system("issuer-clerk", Role.ISSUER_CLERK, rate=1_000_000)
            region.add_system("window", Role.WINDOW, rate=1_000_000)
            with serving(region, redis=redis.url) as site:
                yield from _showings(site)
        finally:
            redis.stop()


async def _take_codes(url: str, seconds: float) -> float:
    store, count, offer, taking = RedisShowings(url), 0, secrets.token_bytes(200), b"a window"
    began = time.monotonic()

    async def one() -> None:
        code, now = DynamicCode.draw("440000", secrets.token_bytes), datetime.now(UTC)
        await store.put(code.key, offer, ends_at=now + LIFETIME, forget_at=now + LIFETIME, at=now)
        held = await store.take(code.key, taking, at=now)
        if held is None or held.taken is not None:
            raise SystemExit("a code was not there, or taken before")

    while (spent := time.monotonic() - began) < seconds:
        await asyncio.gather(*(one() for _ in range(TOGETHER)))
        count += TOGETHER
    await store.close()
    return count / spent


def _showings(site: Site) -> Iterator[dict[str, Any]]:
    identifier = issue(site, site.region.application("resident-identity-card"))
    phone = Phone.of(site)
    shown, taken = [], []
    for _ in range(SHOWN):
        began = time.perf_counter()
        text = phone.show(identifier)["text"]
        shown.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        answer = redeem(site, text)
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status_code != httpx2.codes.OK:
            raise SystemExit(json.dumps(answer.json(), ensure_ascii=False))
    yield figure("show_code_p99_ms", _percentile(shown, 0.99), "ms", "the phone's request for a code", None)
    yield figure("redeem_p99_ms", _percentile(taken, 0.99), "ms", "a window's, with record and annotated copy", None)
