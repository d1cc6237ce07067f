"""The public twin of the status lists: IETF Token Status Lists, signed again when they changed or grow old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.folder import list_name
from ecert.revocation.token_list import token_status_list

if TYPE_CHECKING:
    from datetime import datetime

    from api.folder import StatusFolder
    from ecert.revocation import ListKey, ListState, RegionStatus
    from ecert.sm2 import Signer
    from ecert.trust import RegisteredKey

TTL: Final = 3600
"""Seconds that a list may be kept before a newer one is asked for."""


class TokenLists:
    """The token status lists of a region, as one publisher puts them out."""

    def __init__(self, key: RegisteredKey, folder: StatusFolder, signer: Signer) -> None:
        """Sign with the region's status key; nothing is known of what lies in the folder."""
        self._url = key.member.endpoints.get("status", "").rstrip("/")
        self._folder = folder
        self._signer = signer
        self._put: dict[ListKey, tuple[ListState, datetime]] = {}

    def put(self, status: RegionStatus) -> None:
        """Put out every list that is not out as it is now, or whose time is half over.

        Raises:
            CustodyError: the key cannot be used.
        """
        for list_key, listing in status.lists.items():
            held = self._put.get(list_key)
            renewal = status.issued_at + (status.fresh_until - status.issued_at) / 2
            if held is None or held[0] != listing or held[1] < renewal:
                self._folder.put_token_lists(list_key, *self._sign(status, list_key, listing))
                self._put[list_key] = (listing, status.fresh_until)

    def _sign(self, status: RegionStatus, list_key: ListKey, listing: ListState) -> tuple[bytes, bytes]:
        return token_status_list(
            listing.covered,
            listing.marks.items(),
            subject=self._subject(status.region, list_key),
            issued_at=status.issued_at,
            expires=status.fresh_until,
            ttl=TTL,
            signer=self._signer,
        )

    def _subject(self, region: str, list_key: ListKey) -> str:
        """Return the list's URI: where the region's entry says that its status lies, else a name that is no address."""
        name = list_name(list_key)
        return f"{self._url}/lists/{name}" if self._url else f"urn:ecert:status:{region}:{name}"
