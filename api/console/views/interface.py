"""The page that tells integrators of the interface."""

from __future__ import annotations

from dataclasses import dataclass

from api.console.views.frame import Role  # noqa: TC001  (named in the fields of dataclasses)
from ecert.licence.codes import Phrase  # noqa: TC001


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of an address or a header of a request.

    Attributes:
        name: As it is sent.
        place: path, query or header.
        required: Whether it must be.
        schema: What it may be, in JSON.
        about: A few words more; may be empty.
    """

    name: str
    place: str
    required: bool
    schema: str
    about: str


@dataclass(frozen=True, slots=True)
class Content:
    """A body.

    Attributes:
        kind: Of an answer its status; empty for a request.
        media_type: Its type.
        schema: What it is, in JSON; empty where that is no JSON.
        example: One, in JSON; may be empty.
    """

    kind: str
    media_type: str
    schema: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    Attributes:
        name: Its operation id, which never changes.
        method: GET, POST, PUT.
        path: Its address.
        summary: What it does.
        about: The same in a few sentences.
        roles: Who may call it; empty where nobody has to say who they are, or a window does.
        parameters: What is sent beside the body.
        bodies: What may be sent.
        answers: What may come back, but for errors.
    """

    name: str
    method: str
    path: str
    summary: str
    about: str
    roles: tuple[Role, ...]
    parameters: tuple[Parameter, ...]
    bodies: tuple[Content, ...]
    answers: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """The operations about one kind of thing."""

    key: str
    title: Phrase
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class InterfacePage:
    """The whole interface.

    Attributes:
        chapters: Its operations.
        problem: What every error looks like, in JSON.
    """

    chapters: tuple[Chapter, ...]
    problem: str
