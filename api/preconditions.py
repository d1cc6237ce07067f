"""Nobody changes what they have not seen: `If-Match` names the state that a change was made from (RFC 9110, 13.1)."""

from __future__ import annotations

from ecert.web.problems import Code, Problem


def require_match(if_match: str | None, etag: str) -> None:
    """Require that a thing is still what the caller read.

    Args:
        if_match: The header: one or several strong entity tags.
        etag: That of the thing as it is now.

    Raises:
        Problem: PRECONDITION_REQUIRED, there is no header; PRECONDITION_FAILED, it names another state.
    """
    if if_match is None:
        raise Problem(Code.PRECONDITION_REQUIRED)
    if etag not in (tag.strip() for tag in if_match.split(",")):
        raise Problem(Code.PRECONDITION_FAILED)


def require_new(if_match: str | None, if_none_match: str | None) -> None:
    """Require that the caller knew that there was nothing yet: `If-None-Match: *`.

    Raises:
        Problem: PRECONDITION_REQUIRED, they say nothing; PRECONDITION_FAILED, they read something.
    """
    if if_match is not None:
        raise Problem(Code.PRECONDITION_FAILED)
    if if_none_match is None or if_none_match.strip() != "*":
        raise Problem(Code.PRECONDITION_REQUIRED, "there is no such type yet: If-None-Match: *")
