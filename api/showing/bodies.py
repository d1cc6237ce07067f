"""What a holder's side says and is told, as JSON: the same for this ledger, another region's service, and an app."""

from __future__ import annotations

from datetime import date  # noqa: TC003  (models read annotations)
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.licences.standing import Standing  # noqa: TC001
from api.showing.holders import MAX_CODE, Holder
from ecert.presentation import COUNTER_PURPOSE, Answer
from ecert.presentation.consent import MAX_ITEMS
from ecert.presentation.reading import MAX_FIELDS, MAX_NAME, MAX_PURPOSE
from ecert.presentation.showing import MAX_LICENCES
from ecert.qr import MAX_TEXT
from ecert.web.instants import Instant  # noqa: TC001  (models read annotations)

if TYPE_CHECKING:
    from ecert.licence.codes import Phrase

MAX_IDENTIFIER: Final = 128
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Identifier = Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER)]
Fields = Annotated[list[Name], Field(max_length=MAX_FIELDS)]
Key = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
LicenceKey = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,32}$")]


class Said(BaseModel):
    """What is asked: what it names and nothing else, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Told(BaseModel):
    """What is answered; what a later version adds is passed over."""

    model_config = ConfigDict(extra="ignore")


class HolderBody(Said):
    """Whose licences: 持证主体代码类型, 持证主体代码 and name."""

    code_type: Annotated[str, Field(pattern="^[0-9]{3}$")]
    code: Annotated[str, Field(min_length=1, max_length=MAX_CODE)]
    name: Name

    def holder(self) -> Holder:
        """Return the holder.

        Raises:
            MalformedError: there can be none like that.
        """
        return Holder(self.code_type, self.code, self.name)


class DisclosureBody(Said):
    """One licence, and the items of it that are shown unmasked."""

    identifier: Identifier
    fields: Fields = []


class NamedBody(Said):
    """One licence, by what names it in addresses of pages."""

    licence: LicenceKey


class ShowBody(Said):
    """Licences to be shown under a dynamic code.

    Attributes:
        purpose: What for; by default whatever matter the window that scans it is at.
        licences: Which, all of one region, and what of each is disclosed.
    """

    purpose: Annotated[str, Field(min_length=1, max_length=MAX_PURPOSE)] = COUNTER_PURPOSE
    licences: Annotated[list[DisclosureBody], Field(min_length=1, max_length=MAX_LICENCES)]


class KeyBody(Said):
    """One showing, by its key."""

    key: Key


class AnswerBody(Said):
    """What a holder answers to a request."""

    answer: Literal["granted", "refused", "withdrawn"]


class PhraseBody(Told):
    """What something is called."""

    zh: str
    en: str

    @classmethod
    def of(cls, phrase: Phrase) -> PhraseBody:
        """Return a phrase as it goes over the wire."""
        return cls(zh=phrase.zh, en=phrase.en)


class ItemBody(Told):
    """One item of a licence; `masked`: `value` is less than the whole."""

    name: str
    title: str
    title_en: str
    value: str
    masked: bool


class LicenceBody(Told):
    """A licence as its holder sees it, masked but for what was asked to be disclosed.

    Attributes:
        key: Names it in addresses of pages.
        file: Whether it has a page to draw.
    """

    key: LicenceKey
    identifier: Identifier
    type: str
    title: PhraseBody
    region: str
    department: PhraseBody
    number: str
    holder: str
    state: Standing
    effective: date
    expiring: date | None
    file: bool
    items: list[ItemBody]


class LicencesBody(Told):
    """All licences of a holder in one region."""

    licences: list[LicenceBody]


class PictureBody(Told):
    """The first page of a licence, SVG."""

    svg: Annotated[str, Field(max_length=4 * 1024 * 1024)]


class ShowingBody(Told):
    """A dynamic code that is up: its text, and the key by which the phone asks after it."""

    text: Annotated[str, Field(max_length=MAX_TEXT)]
    key: Key
    purpose: str
    made_at: Instant
    ends_at: Instant


class TakenBody(Told):
    """Who took a showing."""

    unit: str
    window: str
    operator: str
    at: Instant


class LookBody(Told):
    """How a showing stands: `up`, `taken`, `ended`, or `gone`, which is not known any more."""

    state: Literal["up", "taken", "ended", "gone"]
    taken: TakenBody | None = None


class RequesterBody(Said):
    """Who asks."""

    code: Annotated[str, Field(pattern="^[0-9A-Z]{18}$")]
    name: Name
    operator: Name


class UseBody(Said):
    """What for."""

    matter: Name
    item_code: Annotated[str, Field(min_length=1, max_length=64)]
    business_no: Name
    purpose: Annotated[str, Field(min_length=1, max_length=MAX_PURPOSE)]


class WantedBody(Said):
    """Licences of a type, and the fields to be read in them."""

    type: Annotated[str, Field(min_length=21, max_length=21)]
    fields: Fields


class WantedTold(Told):
    """The same, with what people call them."""

    type: str
    title: PhraseBody
    fields: list[str]
    titles: list[str]


class ConsentBody(Told):
    """A request as its holder sees it."""

    id: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,32}$")]
    requester: RequesterBody
    use: UseBody
    wanted: Annotated[list[WantedTold], Field(max_length=MAX_ITEMS)]
    answer: Answer
    asked_at: Instant
    answered_at: Instant | None
    answer_by: Instant
    until: Instant


class PageBody(Said):
    """A page of a list of one region: `next` of the page before, empty for the first."""

    cursor: Annotated[str, Field(max_length=300)] = ""


class PageQuery(PageBody):
    """A page of a list of all regions, or of one: only there does a next page follow."""

    region: Annotated[str, Field(pattern="^([0-9]{6})?$")] = ""

    @model_validator(mode="after")
    def _named(self) -> PageQuery:
        if self.cursor and not self.region:
            raise ValueError("a cursor is one region's: name the region as well")
        return self

    @property
    def page(self) -> PageBody:
        """What a region is asked."""
        return PageBody(cursor=self.cursor)


class ConsentsBody(Told):
    """One page of the requests to a holder in one region, the newest first; `next` is empty on the last."""

    consents: list[ConsentBody]
    next: str = ""


class TypeTold(Told):
    """A type of licence; unnamed where only its region knows it."""

    code: str
    name: str | None
    name_en: str | None


class TitledTold(Told):
    """A stable code, and what people read."""

    code: str
    title: str
    title_en: str


class GroundTold(TitledTold):
    """What a use rested on."""

    evidence: str


class UserTold(Told):
    """Who used a licence."""

    code: str
    name: str
    operator: str
    window: str


class UseTold(Told):
    """One use of a licence, as `ecert.presentation.use_json`."""

    licence: str
    type: TypeTold
    at: Instant
    way: TitledTold
    by: UserTold
    use: UseBody | None
    ground: GroundTold | None
    fields: list[str]
    outcome: str


class UsesBody(Told):
    """One page of the uses of a holder's licences in one region, the newest first; `next` is empty on the last."""

    uses: list[UseTold]
    next: str = ""
