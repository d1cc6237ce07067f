"""Words with two languages: states, roles and actions that know how they are called and how serious they are."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from typing import Self


class Bilingual(Protocol):
    """Whatever is called something in Chinese and in English."""

    @property
    def zh(self) -> str:
        """The Chinese words, shown first."""

    @property
    def en(self) -> str:
        """The English words, shown beside them."""


class Named(StrEnum):
    """A closed set of values, each with its words and a tone for its badge: good, wait, bad, off, or none."""

    zh: str
    en: str
    tone: str

    def __new__(cls, value: str, zh: str, en: str, tone: str = "off") -> Self:
        """Make a member; its value is what stands on the wire and in addresses."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh, member.en, member.tone = zh, en, tone
        return member


_MARKS = {"good": "✓", "wait": "◷", "bad": "✕", "off": "–"}


def said(zh: str, en: str) -> Markup:
    """Write words in both languages: Chinese, and English beside it, smaller."""
    return Markup('{} <span lang="en">{}</span>').format(zh, en) if en else escape(zh)


def both(words: Bilingual) -> Markup:
    """Write what something is called in both languages."""
    return said(words.zh, words.en)


def badge(value: Named) -> Markup:
    """Write a state with its sign: colour is never the only one."""
    return Markup('<span class="badge {}"><i aria-hidden="true">{}</i>{}</span>').format(
        value.tone, _MARKS[value.tone], both(value)
    )
