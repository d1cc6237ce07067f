"""What the pages of holders show, one class for each page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from api.console.views.licences import LicenceState
    from api.showing.bodies import ConsentBody, ItemBody, LicenceBody, TakenBody, UseTold
    from ecert.licence.codes import Phrase
    from ecert.web.display import Display

HOME = "/holder"
"""Where the pages are; every address of them begins with this."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom the holder may be: a number, a name as it is shown, whether it is an organisation."""

    number: int
    name: str
    is_organisation: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page.

    Attributes:
        csrf_token: Goes into every form; empty while nobody is signed in.
        identities: Everybody whom the holder may be; none while nobody is signed in.
        acting: The number of whom they are now.
        display: Whether the pages are in large type (长辈版), and how large.
        path: Where the page is, to come back to.
        here: The entry of the navigation that it belongs to.
        development: Whether this is a development service.
    """

    csrf_token: str = field(repr=False)
    identities: tuple[Identity, ...]
    acting: int
    display: Display
    path: str
    here: str = ""
    development: bool = False

    @property
    def holder(self) -> Identity:
        """Who the holder is now."""
        return self.identities[self.acting]


@dataclass(frozen=True, slots=True)
class SignIn:
    """The page to sign in at.

    Attributes:
        address: Where signing in begins; empty where it is not set up.
        problem: Why it did not succeed.
    """

    address: str
    problem: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One licence of a list: what it says, the region it is of, and what it is now."""

    licence: LicenceBody
    region: Phrase
    state: LicenceState
    address: str


@dataclass(frozen=True, slots=True)
class Licences:
    """一人一档、一企一档.

    Attributes:
        cards: The licences of all regions that answered.
        silent: The regions that did not.
        waiting: How many requests wait for an answer.
    """

    cards: tuple[Card, ...]
    silent: tuple[Phrase, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence, large.

    Attributes:
        card: The licence.
        shown: Names of the items that are unmasked.
        usable: Whether it may be shown at a window.
    """

    card: Card
    shown: tuple[str, ...]
    usable: bool

    @property
    def picture(self) -> str:
        """The address of its page, as much of it unmasked as the items are."""
        return f"{self.card.address}/picture.svg" + (f"?shown={','.join(self.shown)}" if self.shown else "")

    def with_item(self, item: ItemBody) -> str:
        """Return what is unmasked once an item is too."""
        return ",".join((*self.shown, item.name))


@dataclass(frozen=True, slots=True)
class Choose:
    """What to show of a licence, and what for.

    Attributes:
        card: The licence.
        others: Other licences of the same region that can go along.
        purpose: What it is shown for unless the holder says more.
    """

    card: Card
    others: tuple[Card, ...]
    purpose: str


@dataclass(frozen=True, slots=True)
class Code:
    """The code that the phone shows, or what became of it.

    Attributes:
        state: `up`, `taken`, `ended` or `gone`.
        modules: The path of the code's dark modules, as SVG has it, and how many there are to a side.
        side: How many modules there are to a side.
        purpose: What it is shown for.
        made_at: When it was made.
        left: Seconds that it is still good.
        titles: The licences that it stands for.
        taken: Who took it.
    """

    state: str
    modules: str = field(repr=False)
    side: int
    purpose: str
    made_at: datetime
    left: int
    titles: tuple[str, ...]
    taken: TakenBody | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: what it says, the region, and where the answer is sent."""

    consent: ConsentBody
    region: Phrase
    address: str


@dataclass(frozen=True, slots=True)
class Older:
    """Where a region's list goes on."""

    region: Phrase
    address: str


@dataclass(frozen=True, slots=True)
class Consents:
    """Requests for consent: those that wait first."""

    asked: tuple[Asked, ...]
    silent: tuple[Phrase, ...]
    older: tuple[Older, ...]


@dataclass(frozen=True, slots=True)
class Used:
    """One use: what is known of it, the region, and what came of it where it came to nothing."""

    use: UseTold
    region: Phrase
    failure: str


@dataclass(frozen=True, slots=True)
class Uses:
    """Every use of a holder's licences, the newest first."""

    uses: tuple[Used, ...]
    silent: tuple[Phrase, ...]
    older: tuple[Older, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a page is not there, and what to do."""

    status: int
    title: Phrase
    remedy: Phrase
    code: str
    trace_id: str
