"""What a clerk may say to the citizen, and what to do where it cannot be told: the same words without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ecert.errors import Reason
from ecert.verification import Outcome


@dataclass(frozen=True, slots=True)
class Advice:
    """Words for people at a counter, Chinese and English.

    Attributes:
        zh: What to tell the citizen.
        en: The same.
        steps: What the clerk does next, in order; empty where the remedy of the reason says it all.
    """

    zh: str
    en: str
    steps: tuple[tuple[str, str], ...] = ()


_ACCEPT: Final = Advice("您的证照核验有效，不用再交纸质材料。", "Your licence is valid; no paper is needed.")
SCAN_AGAIN: Final = Advice(
    "请把二维码再出示一次：屏幕调亮，纸面放平。",
    "Please show the code again: a bright screen, or flat paper.",
    (
        ("让二维码完整进入扫描框，再扫一次", "Scan again with the whole code in view"),
        (
            "仍不行：请持证人提供证照文件（OFD），拖到本页",
            "Failing that, ask for the licence's file (OFD) and drop it here",
        ),
        ("仍不行：按原有方式收取纸质证照", "Failing that, take the paper licence as before"),
    ),
)
"""Of a code that was not read whole: no licence was looked at, and none is to be called invalid."""
_CANNOT_TELL: Final = Advice(
    "现在暂时核验不了，这不代表您的证照有问题。我们换一种方式办理，请稍候。",
    "It cannot be checked just now; that says nothing against your licence. We use another way, one moment please.",
    (
        (
            "看页面上方的指示灯：名录过时或断网的，联网更新后再扫一次",
            "Look at the lights above: update over the network, and scan again",
        ),
        (
            "仍无法判断：不要当作有效，也不要当作无效",
            "If it still cannot be told, treat it neither as valid nor as invalid",
        ),
        (
            "请改收纸质证照，或当场向颁发机构核实，不让群众再跑一趟",
            "Take the paper licence instead, or ask the issuer at once: nobody is sent home",
        ),
    ),
)
_REFUSED: Final = Advice(
    "这张证照没有通过核验。如有异议，可以向颁发机构申请核实，我们可以帮您联系。",
    "This licence did not pass. If you disagree, the issuer can look into it; we help you to reach them.",
)
_ENDED: Final = Advice(
    "登记显示这张证照已经不再有效。如有异议，可以向颁发机构申请核实，我们可以帮您联系。",
    "By the record this licence is no longer in force. If you disagree, the issuer can look into it.",
)
_PAUSED: Final = Advice(
    "登记显示这张证照目前暂停使用，恢复后可以继续用。原因请向颁发机构了解，我们可以帮您联系。",
    "By the record this licence is suspended for now, and may be used again later. The issuer can say why.",
)
_EXPIRED: Final = Advice(
    "这张证照已过有效期，需要先办理延续或换发；可以现在一并申请。",
    "This licence has expired and has to be renewed first; you may apply for that now.",
)
_FORGED: Final = Advice(
    "这张证照没有通过核验，我们需要进一步核实，请稍候。",
    "This licence did not pass; we have to look into it.",
    (
        ("不予受理，不要与持证人争执", "Do not accept it, and do not argue"),
        (
            "保留扫描内容，报告窗口负责人并联系颁发机构",
            "Keep what was scanned, and report it to whoever is in charge and the issuer",
        ),
    ),
)
_BY_REASON: Final = {
    Reason.EXPIRED: _EXPIRED,
    Reason.SUSPENDED: _PAUSED,
    Reason.INACTIVE: _PAUSED,
    Reason.REVOKED: _ENDED,
    Reason.CANCELLED: _ENDED,
    Reason.WITHDRAWN: _ENDED,
    Reason.SUPERSEDED: _ENDED,
    Reason.TRANSFERRED: _ENDED,
    Reason.SEAL_BAD: _FORGED,
    Reason.FIELD_DIGEST_MISMATCH: _FORGED,
    Reason.FILE_PART_CHANGED: _FORGED,
    Reason.FILE_LICENCE_MISMATCH: _FORGED,
}


def advise(outcome: Outcome, reason: Reason) -> Advice:
    """Return what to say and do about an outcome."""
    if outcome is Outcome.VALID:
        return _ACCEPT
    return _CANNOT_TELL if outcome is Outcome.UNDETERMINED else _BY_REASON.get(reason, _REFUSED)
