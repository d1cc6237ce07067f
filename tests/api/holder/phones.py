"""A real browser as somebody's phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.showing.sessions import HolderSession, HolderSessionBook

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.api.office import Site


@dataclass
class Phone:
    """A phone at a region's pages."""

    page: Page
    site: Site

    def open(self, path: str = "/licences") -> None:
        self.page.goto(f"{self.site.office.settings.origin}/holder{path}")

    def sign_in(self, name: str = "王示例") -> None:
        self.open("/sign-in")
        self.page.click("text=统一身份认证登录")
        self.page.click(f"button:text-is('{name}')")
        self.page.wait_for_url("**/holder/licences")

    def show(self, title: str = "居民身份证") -> str:
        """Show a licence by one press, and return the text of its code, as a scanner reads it."""
        self.open()
        self.page.click(f".card:has-text('{title}') >> nth=0")
        self.page.click("button:has-text('出示')")
        self.page.wait_for_url("**/holder/showing")
        return self.code()

    def code(self) -> str:
        """Return the text of the code that the session shows."""
        shown = self.session.account.shown
        assert shown is not None
        return shown.showing.text

    @property
    def cookie(self) -> tuple[str, str]:
        """The session's cookie, name and value."""
        name = self.site.office.holder.session_cookie.name
        return name, next(one["value"] for one in self.page.context.cookies() if one["name"] == name)

    @property
    def session(self) -> HolderSession:
        token, now = self.cookie[1], self.site.office.clock()
        found = self.site.office.pool.do(lambda ledger: HolderSessionBook(ledger).find(token, now))
        assert found is not None
        return found
