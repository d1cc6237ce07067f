"""Whether a form was sent by a page of this window: there is no session that could tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ecert.wording import Wording

if TYPE_CHECKING:
    from fastapi import Request

ELSEWHERE: Final = Wording(
    "请求来自其他网站，已拒绝", "Another site sent the form", "请在本窗口页面上操作", "Use the pages of this window"
)


def is_ours(request: Request) -> bool:
    """Tell whether a form was sent by a page of this window, by what every browser of today says."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
