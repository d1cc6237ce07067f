"""The code that a phone shows, drawn into its page: a picture of its own would be one more request to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.holder.views import Code
from ecert.cli.pixels import qr_modules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from api.showing.bodies import LicenceBody, LookBody
    from api.showing.sessions import Shown


def code_view(shown: Shown, look: LookBody, licences: Sequence[LicenceBody], now: datetime) -> Code:
    """Return the page of what the phone shows at `now`; a code that is over is not drawn any more."""
    titles = {one.identifier: one.title.zh for one in licences}
    showing = shown.showing
    path, side = _path(showing.text) if look.state == "up" else ("", 0)
    return Code(
        state=look.state,
        modules=path,
        side=side,
        purpose=showing.purpose,
        made_at=showing.made_at,
        left=max(0, int((showing.ends_at - now).total_seconds())),
        titles=tuple(titles.get(one.identifier, one.identifier) for one in shown.asked.licences),
        taken=look.taken,
    )


def _path(text: str) -> tuple[str, int]:
    """Return the dark modules of a code, one run of a row after the other, and how many modules a side has."""
    rows = qr_modules(text)
    runs = []
    for y, row in enumerate(rows):
        start = None
        for x, dark in enumerate(row + b"\0"):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                runs.append(f"M{start} {y}h{x - start}v1H{start}z")
                start = None
    return "".join(runs), len(rows)
