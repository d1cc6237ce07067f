"""Invented people and bodies, and requests between them."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ecert.licence.identifier import Identifier
from ecert.presentation import Offer, Request, Requester, ShownLicence, Taking, Use, Wanted

AT = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
CARD = "11100000000013127D001"
HOUSE = "11100000MB03271699001"
UNIT = Requester("11310000DEMH10023M", "上海样例政务服务中心", "clerk-7")
OTHER_UNIT = "11440000DEMG100223"
USE = Use("社会保障卡申领", "SH-SBK-01", "20261125-0001", "办理社会保障卡申领")
IDENTITY = Identifier(CARD, OTHER_UNIT, "0123456789ABCDEFGHIJ", 1)
ESTATE = Identifier(HOUSE, OTHER_UNIT, "0123456789ABCDEFGHIK", 3)
FIELDS = ("certificateHolderCode", "certificateHolderName")
TAKING = Taking(UNIT.code, "浦东3号窗口", "clerk-7", AT + timedelta(seconds=5))


def offer(**changes: Any) -> Offer:
    made = Offer(
        "account-1", "session-1", USE.purpose, (ShownLicence(IDENTITY, FIELDS),), AT, AT + timedelta(seconds=60)
    )
    return replace(made, **changes)


def request(**changes: Any) -> Request:
    made = Request(
        id=secrets.token_urlsafe(16),
        requester=UNIT,
        use=USE,
        wanted=(Wanted(CARD, FIELDS),),
        asked_at=AT,
        answer_by=AT + timedelta(minutes=5),
        until=AT + timedelta(days=1),
    )
    return replace(made, **changes)
