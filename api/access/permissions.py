"""Every permission of the service, in one table: operation × role → how far it reaches.

An operation that is not in the table cannot be called: `create_app` refuses to make a route without a row. What
lies outside somebody's reach is not there for them: it is answered as something that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from api.access.principals import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.access.principals import Principal


class Reach(StrEnum):
    """How far a permission reaches: to one's own department, or always to the whole region.

    Of somebody of the region itself, the own is the whole region.
    """

    OWN = "own"
    REGION = "region"


_CLERK, _REVIEWER = Role.ISSUER_CLERK, Role.REVIEWER
_MANAGER, _AUDITOR, _OPERATOR = Role.CATALOGUE_MANAGER, Role.AUDITOR, Role.REGION_OPERATOR
_WINDOW, _PORTAL = Role.WINDOW, Role.PORTAL
_OWN, _REGION = Reach.OWN, Reach.REGION

PERMISSIONS: Final[Mapping[str, Mapping[Role, Reach]]] = {
    # Licences of a department: nobody of another ever reaches them.
    "issueLicence": {_CLERK: _OWN},
    "findLicences": {_CLERK: _OWN, _REVIEWER: _OWN},
    "readLicence": {_CLERK: _OWN, _REVIEWER: _OWN},
    "readLicenceFile": {_CLERK: _OWN, _REVIEWER: _OWN},
    "changeLicence": {_CLERK: _OWN},
    "transferLicenceIn": {_CLERK: _OWN},
    "decideLicence": {_CLERK: _OWN},
    "listDecisions": {_CLERK: _OWN, _REVIEWER: _OWN},
    "listProposals": {_CLERK: _OWN, _REVIEWER: _OWN},
    "readProposal": {_CLERK: _OWN, _REVIEWER: _OWN},
    "approveProposal": {_REVIEWER: _OWN},
    "rejectProposal": {_REVIEWER: _OWN},
    # Batches (存量证照电子化).
    "createBatch": {_CLERK: _OWN},
    "listBatches": {_CLERK: _OWN, _REVIEWER: _OWN},
    "readBatch": {_CLERK: _OWN, _REVIEWER: _OWN},
    "readBatchErrors": {_CLERK: _OWN},
    "readBatchResult": {_CLERK: _OWN},
    "followBatch": {_CLERK: _OWN, _REVIEWER: _OWN},
    "startBatch": {_CLERK: _OWN},
    "cancelBatch": {_CLERK: _OWN, _REVIEWER: _OWN},
    # The catalogue: everybody of the region reads what is published; its department alone edits a type.
    "listTypes": {_MANAGER: _REGION, _CLERK: _REGION, _REVIEWER: _REGION, _AUDITOR: _REGION, _OPERATOR: _REGION},
    "readType": {_MANAGER: _REGION, _CLERK: _REGION, _REVIEWER: _REGION, _AUDITOR: _REGION, _OPERATOR: _REGION},
    "previewType": {_MANAGER: _REGION, _CLERK: _REGION, _REVIEWER: _REGION, _AUDITOR: _REGION, _OPERATOR: _REGION},
    "saveType": {_MANAGER: _OWN},
    "submitType": {_MANAGER: _OWN},
    "publishType": {_OPERATOR: _REGION},
    "returnType": {_OPERATOR: _REGION},
    "disableType": {_OPERATOR: _REGION},
    # Showing, consent and use: a window sees what it asked for itself, a portal what a holder who signed in there has.
    "redeemShowing": {_WINDOW: _OWN},
    "askConsent": {_WINDOW: _OWN},
    "readConsent": {_WINDOW: _OWN},
    "pullLicences": {_WINDOW: _OWN},
    "pullWithoutPhone": {_WINDOW: _OWN},
    "reportUse": {_WINDOW: _OWN},
    "portalLicences": {_PORTAL: _REGION},
    "portalFind": {_PORTAL: _REGION},
    "portalReveal": {_PORTAL: _REGION},
    "portalPicture": {_PORTAL: _REGION},
    "portalShow": {_PORTAL: _REGION},
    "portalLook": {_PORTAL: _REGION},
    "portalDrop": {_PORTAL: _REGION},
    "portalUses": {_PORTAL: _REGION},
    "portalConsents": {_PORTAL: _REGION},
    "portalAnswer": {_PORTAL: _REGION},
    # Seals, callers, the log.
    "listSeals": {_CLERK: _OWN, _REVIEWER: _OWN, _OPERATOR: _REGION},
    "readSealPicture": {_CLERK: _OWN, _REVIEWER: _OWN, _OPERATOR: _REGION},
    "decideSeal": {_OPERATOR: _REGION},
    "listCallers": {_OPERATOR: _REGION},
    "registerSystem": {_OPERATOR: _REGION},
    "registerOperator": {_OPERATOR: _REGION},
    "endCaller": {_OPERATOR: _REGION},
    "readAudit": {_AUDITOR: _OWN},
    "readOverview": {_MANAGER: _OWN, _CLERK: _OWN, _REVIEWER: _OWN, _AUDITOR: _OWN, _OPERATOR: _REGION},
}
"""Operation identifier of a route → who may call it, and about whose things."""

PUBLIC: Final = frozenset({"issueToken", "readKeys", "readTokenService", "exchangeSession"})
"""Operations that ask for no caller: how one becomes a caller, or a holder in an app."""
OF_WINDOWS: Final = frozenset({"report", "propagation"})
"""Operations that ask for a window's token (`api.windows`)."""
OF_HOLDERS: Final = frozenset(
    {
        "endSession",
        "readSession",
        "actAs",
        "myLicences",
        "revealMine",
        "pictureMine",
        "showMine",
        "lookAtMine",
        "dropMine",
        "myUses",
        "myConsents",
        "answerMine",
    }
)
"""Operations of holders about what is theirs, for whoever has a holder's session (`api.showing.sessions`)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose things a caller may touch in one operation: a department's, or, where that is None, the whole region's."""

    region: str
    department: str | None


def scope_of(principal: Principal, operation: str) -> Scope | None:
    """Return whose things a caller may touch with an operation; None when they may not call it at all.

    Raises:
        KeyError: the table does not have the operation.
    """
    allowed = PERMISSIONS[operation]
    roles = [role for role in principal.roles if role in allowed and (principal.department or not role.of_department)]
    if not roles:
        return None
    wide = any(allowed[role] is Reach.REGION for role in roles)
    return Scope(principal.region, None if wide else principal.department)
