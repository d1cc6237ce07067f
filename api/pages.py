"""Pages of details, as they are put out for the licences that were touched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ecert.errors import MalformedError, Reason
from ecert.revocation import PAGE_SIZE, StatusPage, seal_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.folder import StatusFolder
    from api.projection import Place, Projection
    from ecert.revocation import RegionStatus
    from ecert.sm2 import Signer


def put_out_pages(
    places: Iterable[Place], status: RegionStatus, projection: Projection, folder: StatusFolder, signer: Signer
) -> None:
    """Put out every page that one of `places` is on, as of `status`.

    Raises:
        CustodyError: the key cannot be used.
    """
    pages = {((key_id, reference.number), reference.index // PAGE_SIZE) for key_id, reference in places}
    for list_key, number in pages:
        page = StatusPage(
            region=status.region,
            key_id=list_key[0],
            number=list_key[1],
            page=number,
            sequence=status.sequence,
            issued_at=status.issued_at,
            events=projection.page(list_key, number),
        )
        folder.put_page(list_key, number, _seal(page, signer))


def _seal(page: StatusPage, signer: Signer) -> bytes:
    """Sign a page; one that would be too long goes out without its words, since a revocation must go out."""
    try:
        return seal_page(page, signer)
    except MalformedError as error:
        if error.reason is not Reason.TOO_LARGE:
            raise
    bare = {
        index: tuple(replace(event, reason="", legal_basis="", document="") for event in events)
        for index, events in page.events.items()
    }
    return seal_page(replace(page, events=bare), signer)
