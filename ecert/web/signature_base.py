"""What a message signature is over: the components of a request, and the signature base (RFC 9421, 2).

Of the derived components those of a request's target and method are supported, and of fields the plain form: no
component has parameters (`;sf`, `;key`, `;bs`, `;req`, `;tr`). Fewer ways to say a thing are fewer to say it falsely.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import http_sf

from ecert.errors import MalformedError, Reason, RejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecert.web.digests import Digests

METHOD: Final = "@method"
TARGET_URI: Final = "@target-uri"
TARGET_PARTS: Final = ("@authority", "@path", "@query")
"""May be covered instead of `@target-uri`, all three."""

MAX_FIELD: Final = 4096
"""The longest value of a covered field, and of the signature's own fields, in characters."""
MAX_COMPONENTS: Final = 32

PROTECTED: Final = ("content-digest", "content-type", "content-encoding", "idempotency-key", "if-match")
"""The fields that decide what a request does: whichever of them is there stands once, and must be covered."""

_FIELD_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
_METHOD: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,32}")
_FIELD_VALUE: Final = re.compile(r"[\x20-\x7e\t]*")
_TARGET: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-\"$-;=@-~]*)?(?P<query>\?[!-\"$-~]*)?",
    re.IGNORECASE | re.ASCII,
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}

Parameters = dict[str, http_sf.types.BareItemType]


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it is on the wire.

    Attributes:
        method: E.g. `POST`; its letters count.
        target_uri: The absolute URI the caller asked for: the service's public origin, and path and query just as they
            were sent, not decoded (ASGI's `raw_path` and `query_string`). Without a fragment.
        headers: Names, in whatever case, and values, in the order received; a name may stand several times.
        body: The content as it was sent, or its digests.
    """

    method: str
    target_uri: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | Digests = b""

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the values of a field, one for each of its lines, without the white space around them."""
        return tuple(value.strip(" \t") for key, value in self.headers if key.lower() == name)

    def field(self, name: str) -> str | None:
        """Return a field's value, several lines joined as RFC 9421, 2.1 says; None where it is absent.

        Raises:
            MalformedError: REQUEST_SIGNATURE_MALFORMED; too long, or characters other than visible ASCII and blanks.
            RejectedError: REQUEST_SIGNATURE_COVERAGE; a protected field stands twice.
        """
        lines = self.lines(name)
        if len(lines) > 1 and name in PROTECTED:
            raise not_covered(f"the field {name} stands {len(lines)} times; it must stand once")
        value = ", ".join(lines)
        if len(value) > MAX_FIELD or not _FIELD_VALUE.fullmatch(value):
            raise malformed(f"the field {name} has at most {MAX_FIELD} characters, visible ASCII and blanks")
        return value if lines else None


def message_of(scope: Mapping[str, Any], origin: str, body: bytes | Digests) -> Message:
    """Return a request as an ASGI server received it.

    Args:
        scope: The ASGI scope; its `raw_path` is what was sent, and its `path` is not: that is decoded.
        origin: The service's public origin, e.g. `https://issuing.example`: from its settings, never from `Host`.
        body: The content, read to its end, or its digests.
    """
    path, query = bytes(scope["raw_path"]).decode("latin-1"), bytes(scope["query_string"]).decode("latin-1")
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return Message(scope["method"], f"{origin}{path}{'?' if query else ''}{query}", tuple(headers), body)


def malformed(what: str) -> MalformedError:
    """Make the error of a signature whose fields cannot be read."""
    return MalformedError(Reason.REQUEST_SIGNATURE_MALFORMED, what)


def not_covered(what: str) -> RejectedError:
    """Make the error of a signature that does not cover what it must, or covers what cannot be."""
    return RejectedError(Reason.REQUEST_SIGNATURE_COVERAGE, what)


def signature_base(message: Message, components: tuple[str, ...], parameters: Parameters) -> bytes:
    """Write what is signed: a line for each component, and the signature's parameters (RFC 9421, 2.5).

    Raises:
        MalformedError: REQUEST_SIGNATURE_MALFORMED; a covered field or the target cannot be written as it is.
        RejectedError: REQUEST_SIGNATURE_COVERAGE; a component is unknown, absent, named twice, or there are too many.
    """
    if len(components) > MAX_COMPONENTS or len(set(components)) != len(components):
        raise not_covered(f"at most {MAX_COMPONENTS} components, each once")
    lines = [f'"{name}": {component(message, name)}' for name in components]
    lines.append(f'"@signature-params": {signature_parameters(components, parameters)}')
    return "\n".join(lines).encode("ascii")


def signature_parameters(components: tuple[str, ...], parameters: Parameters) -> str:
    """Write components and parameters as the inner list that `Signature-Input` holds."""
    names: list[http_sf.ItemType] = [(name, {}) for name in components]
    return http_sf.ser([(names, parameters)])


def component(message: Message, name: str) -> str:
    """Return the value of one component.

    Raises:
        MalformedError: REQUEST_SIGNATURE_MALFORMED; the value cannot be signed.
        RejectedError: REQUEST_SIGNATURE_COVERAGE; there is no such component, or not in this request.
    """
    if name == METHOD:
        return _method(message.method)
    if name == TARGET_URI or name in TARGET_PARTS:
        return _target(message.target_uri)[name]
    if not _FIELD_NAME.fullmatch(name):
        raise not_covered(f"the component {name[:64]!a} is not supported")
    value = message.field(name)
    if value is None:
        raise not_covered(f"the field {name} is covered, and not in the request")
    return value


def _method(method: str) -> str:
    if not _METHOD.fullmatch(method):
        raise malformed("the method is no token of at most 32 characters")
    return method


def _target(uri: str) -> dict[str, str]:
    """Take the target apart: scheme and host in small letters, no default port, `/` for no path (RFC 9110, 4.2)."""
    found = _TARGET.fullmatch(uri) if len(uri) <= MAX_FIELD else None
    if found is None:
        raise malformed(f"the target is no absolute http(s) URI of at most {MAX_FIELD} visible ASCII characters")
    scheme, authority = found["scheme"].lower(), found["host"].lower()
    if found["port"] and found["port"] != _DEFAULT_PORTS[scheme]:
        authority += f":{found['port']}"
    path, query = found["path"] or "/", found["query"] or ""
    return {
        TARGET_URI: f"{scheme}://{authority}{path}{query}",
        "@authority": authority,
        "@path": path,
        "@query": query or "?",
    }
