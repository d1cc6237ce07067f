"""Forms as browsers post them, within bounds, and where they come from."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from starlette.datastructures import FormData, UploadFile

from ecert.web.problems import Code, FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

TOKEN: Final = "csrf_token"  # noqa: S105  (the name of a control)
MAX_FIELDS: Final = 500
"""The most controls of a form."""
MAX_FILES: Final = 4
MAX_VALUE: Final = 256 * 1024
"""The longest value in bytes; files have the limit of the body alone."""

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_SPACES: Final = "\t\r\n"


def require_same_site(request: Request, origin: str) -> None:
    """Require that a page of this service sent a request, as far as the browser says where it comes from.

    Raises:
        Problem: FORBIDDEN; another site did.
    """
    site, sent = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin") or sent not in (None, origin):
        raise Problem(Code.FORBIDDEN, "a form of another site was sent here")


async def read_form(request: Request, csrf: str) -> FormData:
    """Read a form of a session; whoever reads it closes it.

    Raises:
        Problem: FORBIDDEN, it does not carry the session's token; REQUEST_INVALID or MEDIA_TYPE_UNSUPPORTED, it is no
            form of ours.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS:
        raise Problem(Code.MEDIA_TYPE_UNSUPPORTED, f"forms are {' or '.join(_FORMS)}")
    posted = await request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_VALUE)
    token = posted.get(TOKEN)
    if not isinstance(token, str) or not hmac.compare_digest(token.encode(), csrf.encode()):
        await posted.close()
        raise Problem(Code.FORBIDDEN, "the form is not of this session: open the page again")
    return posted


def values_of(posted: FormData) -> Mapping[str, str]:
    """Return the texts of a form by the names of their controls.

    Raises:
        Problem: REQUEST_INVALID; a text has characters that no keyboard makes, or two have one name.
    """
    found: dict[str, str] = {}
    for name, value in posted.multi_items():
        if isinstance(value, str):
            if name in found or len(value) > MAX_VALUE or not _is_written(value):
                raise Problem(Code.REQUEST_INVALID, errors=[FieldError(name, "one text in UTF-8 without controls")])
            found[name] = value
    return found


def files_of(posted: FormData) -> Mapping[str, UploadFile]:
    """Return the files of a form by the names of their controls; a control left empty has none."""
    return {name: one for name, one in posted.multi_items() if isinstance(one, UploadFile) and one.filename}


def _is_written(text: str) -> bool:
    return "\ufffd" not in text and all(one in _SPACES or one >= " " for one in text)
