"""Name constraints (RFC 5280, 4.2.1.10 and 6.1): directory names, DNS names, e-mail addresses and URIs.

Fails closed throughout: a constraint in a form not implemented here refuses the path; a name that cannot be
read satisfies no permitted subtree and falls into every excluded one of its form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ecert import der
from ecert.errors import Reason, RejectedError
from ecert.x509.general_names import DIRECTORY, DNS, EMAIL, UNREADABLE, URI, GeneralName
from ecert.x509.names import EMAIL_ADDRESS, CanonicalRdn, canonical, decode_string, relative_names

_PERMITTED: Final = 0xA0
_EXCLUDED: Final = 0xA1
_IMPLEMENTED: Final = (DIRECTORY, DNS, EMAIL, URI)
_URI_HOST: Final = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#@\\]*@)?([a-z0-9._-]+)(?::[0-9]*)?(?:[/?#].*)?", re.DOTALL)
_MAX_SUBTREES: Final = 256


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """The subtrees one CA certificate permits and excludes.

    Attributes:
        permitted: Bases; a form that does not occur among them is unrestricted.
        excluded: Bases; exclusion wins.
        odd: A subtree has a minimum or maximum, which RFC 5280 forbids and nobody implements.
    """

    permitted: tuple[GeneralName, ...]
    excluded: tuple[GeneralName, ...]
    odd: bool

    @classmethod
    def from_value(cls, value: bytes) -> NameConstraints:
        """Read the extension's value.

        Raises:
            DerError: not NameConstraints.
        """
        der.check(value, limit=len(value))
        reader = der.read_one(value, der.SEQUENCE).children()
        permitted, odd_permitted = _subtrees(reader.optional(_PERMITTED))
        excluded, odd_excluded = _subtrees(reader.optional(_EXCLUDED))
        reader.finish()
        return cls(permitted, excluded, odd_permitted or odd_excluded)

    def require_implemented(self) -> None:
        """Refuse constraints that could not be honoured in full.

        Raises:
            RejectedError: another form of name, a minimum or maximum, or too many subtrees.
        """
        subtrees = self.permitted + self.excluded
        if self.odd or len(subtrees) > _MAX_SUBTREES or any(base.kind not in _IMPLEMENTED for base in subtrees):
            raise _refusal("a certificate sets name constraints that are not implemented here")

    def require_within(self, names: tuple[GeneralName, ...]) -> None:
        """Check the names of a certificate further down, as `names_of` lists them.

        Raises:
            RejectedError: a name lies in an excluded subtree, or in none of those permitted for its form.
        """
        for name in names:
            permitted = [base for base in self.permitted if base.kind == name.kind]
            if name.kind == UNREADABLE or any(_matches(name, base, unsure=True) for base in self.excluded):
                raise _refusal("a name lies in an excluded subtree, or cannot be read")
            if permitted and not any(_matches(name, base, unsure=False) for base in permitted):
                raise _refusal("a name lies outside the permitted subtrees")


def _refusal(detail: str) -> RejectedError:
    return RejectedError(Reason.CERTIFICATE_NAME_CONSTRAINTS, detail)


def _subtrees(element: der.Element | None) -> tuple[tuple[GeneralName, ...], bool]:
    if element is None:
        return (), False
    subtrees = [subtree.children() for subtree in element.children().rest(der.SEQUENCE)]
    if not subtrees:
        raise der.DerError("name constraints without a subtree")
    bases = tuple(GeneralName.of(reader.read()) for reader in subtrees)
    return bases, any(subtrees)


def names_of(subject: bytes, alternative_names: tuple[GeneralName, ...]) -> tuple[GeneralName, ...]:
    """List the names a certificate claims: its alternative names, and its subject if not empty.

    Addresses in the subject count when the alternative names hold no e-mail address (RFC 5280, 4.2.1.10).

    Raises:
        DerError: the subject is not a Name.
    """
    relative = relative_names(subject)
    names = list(alternative_names)
    if relative:
        names.append(GeneralName(DIRECTORY, subject))
    if not any(name.kind == EMAIL for name in alternative_names):
        values = [value for pairs in relative for kind, value in pairs if kind == EMAIL_ADDRESS]
        names += [GeneralName(EMAIL, (decode_string(value) or "").encode("utf-8")) for value in values]
    return tuple(names)


def _matches(name: GeneralName, base: GeneralName, *, unsure: bool) -> bool:
    """Tell whether `name` lies in the subtree of `base`; `unsure` is the answer when it cannot be told."""
    if name.kind != base.kind:
        return False
    if name.kind == DIRECTORY:
        return _directory_matches(name.value, base.value, unsure=unsure)
    try:
        text, subtree = name.value.decode("ascii"), base.value.decode("ascii").rstrip(".")
    except UnicodeDecodeError:
        return unsure
    if name.kind == DNS:
        return _host_matches(text, subtree) or (not subtree.startswith(".") and _host_matches(text, "." + subtree))
    if name.kind == EMAIL:
        return _email_matches(text, subtree, unsure=unsure)
    host = _URI_HOST.fullmatch(text.lower())
    return unsure if host is None else _host_matches(host[1], subtree)


def _directory_matches(name: bytes, base: bytes, *, unsure: bool) -> bool:
    try:
        head: list[CanonicalRdn] = canonical(base)
        return canonical(name)[: len(head)] == head
    except der.DerError:
        return unsure


def _email_matches(address: str, subtree: str, *, unsure: bool) -> bool:
    """An address as base means that mailbox; a host, the mailboxes on it; `.domain`, those on hosts below it."""
    mailbox, at, host = address.rpartition("@")
    if not (mailbox and at and host):
        return unsure
    wanted_mailbox, exact, wanted_host = subtree.rpartition("@")
    if exact:
        return mailbox == wanted_mailbox and _host_matches(host, wanted_host)
    return _host_matches(host, subtree)


def _host_matches(host: str, subtree: str) -> bool:
    """`.domain` means hosts below it; anything else that host; nothing at all, every host."""
    host, subtree = host.lower().rstrip("."), subtree.lower()
    if subtree in ("", "."):
        return True
    return host.endswith(subtree) and host != subtree if subtree.startswith(".") else host == subtree
