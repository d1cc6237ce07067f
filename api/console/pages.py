"""Makes a page of a view: one template for each, everything escaped, nothing left undefined.

Pages work without JavaScript; a script adds live progress and the shortcuts. They load nothing from elsewhere and carry
no inline script or style, so `POLICY` can forbid both. Whoever answers with a page sends `HEADERS` along.

    GET  /console                      GET  /console/sign-in, …/unified, POST /console/sign-out
    GET  /console/issue, /issue/<type> POST /issue/<type>, GET /drafts/<draft>, POST /drafts/<draft>/seal,
                                       GET  /licences/<key>/issued
    GET, POST /console/licences        GET  /licences/<key>, POST …/reveal, GET and POST …/<action>
    GET  /console/proposals, /<key>    POST /proposals/<key>/approve and /reject
    GET  /console/batches, /new, /<key> POST /batches/new, /batches/<key>/start and /cancel, GET …/events (SSE)
    GET  /console/catalogue, /new, /<code> POST /catalogue/new, /catalogue/<code>, /catalogue/<code>/<action>
    GET  /console/seals, /audit, /callers POST /seals/<key>/<action>, /callers/<key>/end
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.console import charts
from api.console.views import batches, catalogue, entrance, interface, issuing, licences, oversight, proposals
from api.console.views.frame import HOME
from api.console.wording import badge, both, said
from ecert.licence.validity import CHINA

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from markupsafe import Markup

    from api.console.views.frame import Frame

FOLDER: Final = Path(__file__).parent
STATIC: Final = FOLDER / "static"
"""What is served at `/console/static`."""

POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; frame-src 'none'; object-src 'none'"
)
HEADERS: Final = MappingProxyType(
    {
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }
)
"""What every page is sent with."""

_TEMPLATES: Final[dict[type, str]] = {
    entrance.SignIn: "sign_in.html",
    entrance.Dashboard: "dashboard.html",
    issuing.ChooseType: "issue_choose.html",
    issuing.IssueForm: "issue_form.html",
    issuing.Preview: "issue_preview.html",
    issuing.Issued: "issue_done.html",
    licences.Search: "licences.html",
    licences.LicencePage: "licence.html",
    licences.Decision: "decision.html",
    proposals.ProposalList: "proposals.html",
    proposals.ProposalPage: "proposal.html",
    batches.BatchList: "batches.html",
    batches.BatchUpload: "batch_upload.html",
    batches.BatchPage: "batch.html",
    catalogue.CatalogueList: "catalogue.html",
    catalogue.TypePage: "type.html",
    oversight.SealRegister: "seals.html",
    oversight.AuditPage: "audit.html",
    oversight.CallerList: "callers.html",
    oversight.ProblemPage: "problem.html",
    interface.InterfacePage: "interface.html",
}
View = (
    entrance.SignIn
    | entrance.Dashboard
    | issuing.ChooseType
    | issuing.IssueForm
    | issuing.Preview
    | issuing.Issued
    | licences.Search
    | licences.LicencePage
    | licences.Decision
    | proposals.ProposalList
    | proposals.ProposalPage
    | batches.BatchList
    | batches.BatchUpload
    | batches.BatchPage
    | catalogue.CatalogueList
    | catalogue.TypePage
    | oversight.SealRegister
    | oversight.AuditPage
    | oversight.CallerList
    | oversight.ProblemPage
    | interface.InterfacePage
)
"""Whatever a page can be made of."""

_SIZES: Final = ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s"))


def moment(instant: datetime) -> str:
    """Return an instant as a clock in China shows it, to the minute."""
    return f"{instant.astimezone(CHINA):%Y-%m-%d %H:%M}"


def day(value: date | None) -> str:
    """Return a day; None is 长期, the day that never comes."""
    return value.isoformat() if value else "长期"


def age(length: timedelta | None) -> Markup:
    """Return a length of time in the largest unit that it is whole in; None is no limit of its own."""
    if length is None:
        return said("不另设限", "no limit of its own")
    seconds = int(length.total_seconds())
    size, zh, en = next((unit for unit in _SIZES if seconds >= unit[0] and seconds % unit[0] == 0), _SIZES[-1])
    return said(f"{seconds // size} {zh}", f"{seconds // size} {en}")


def grouped(count: int) -> str:
    """Return a count with its thousands set apart."""
    return f"{count:,}"


class Pages:
    """Renders the console of one region."""

    def __init__(self, region: str, region_en: str) -> None:
        """Render for the region of this name."""
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            both=both, badge=badge, moment=moment, day=day, age=age, grouped=grouped, segment=_segment
        )
        self._environment.globals.update(
            t=said,
            home=HOME,
            region=region,
            region_en=region_en,
            column_chart=charts.column_chart,
            bar=charts.bar,
            stacked_bar=charts.stacked_bar,
            licence_states=tuple(licences.LicenceState),
            type_states=tuple(catalogue.TypeState),
        )

    def render(self, frame: Frame, view: View) -> str:
        """Return the page of a view as HTML."""
        return self._environment.get_template(_TEMPLATES[type(view)]).render(frame=frame, view=view)


def _segment(text: str) -> str:
    """Return a key as one segment of an address, whatever characters it has."""
    return quote(text, safe="")
