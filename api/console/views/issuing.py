"""Issuing one licence: choose a type, fill in the form, look at the page, seal it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (named in the fields of dataclasses)

from api.console.forms import Form  # noqa: TC001
from api.console.views.frame import Entry, Link  # noqa: TC001
from ecert.licence.codes import Phrase  # noqa: TC001


@dataclass(frozen=True, slots=True)
class IssuableType:
    """A published type that the department may issue.

    Attributes:
        code: 证照类型代码, 21 characters.
        name: What it is called.
        holder: Who may hold it, in words.
        version: Of its definition.
    """

    code: str
    name: Phrase
    holder: Phrase
    version: int


@dataclass(frozen=True, slots=True)
class ChooseType:
    """The first step of issuing."""

    types: tuple[IssuableType, ...]


@dataclass(frozen=True, slots=True)
class IssueForm:
    """The second step: the values.

    Attributes:
        code: The type's.
        name: What the type is called.
        form: Made by `forms.licence_form`.
    """

    code: str
    name: Phrase
    form: Form


@dataclass(frozen=True, slots=True)
class Preview:
    """The third step: the page as it will be sealed.

    Attributes:
        draft: Names the draft in addresses; it tells nothing personal.
        code: The type's, to go back to the form.
        name: What the type is called.
        picture: Where the picture of the page is.
        facts: What was filled in, whole: whoever wrote it reads it once more.
        seal: The seal that will be applied.
        two_persons: Whether somebody else must approve it before it is sealed.
        idempotency_key: Makes a form sent twice one licence.
    """

    draft: str
    code: str
    name: Phrase
    picture: str
    facts: tuple[Entry, ...]
    seal: str
    two_persons: bool
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Issued:
    """The last step: the licence is sealed.

    Attributes:
        key: Names the licence in addresses.
        code: The type's, to issue another.
        name: What the type is called.
        identifier: 证照标识.
        number: 证照编号.
        holder: 持证主体.
        issued_at: When it was sealed.
        picture: Where the picture of its page is.
        qr: Where the picture of its QR code is.
        downloads: The files.
    """

    key: str
    code: str
    name: Phrase
    identifier: str
    number: str
    holder: str
    issued_at: datetime
    picture: str
    qr: str
    downloads: tuple[Link, ...]
