"""What the actions in the audit log are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.licence.codes import Phrase

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS: Final[Mapping[str, Phrase]] = {
    "licence.issue": Phrase("Issued a licence", "制发证照"),
    "licence.search": Phrase("Looked a holder up", "按持证人查询"),
    "licence.read": Phrase("Read a licence", "查看证照"),
    "licence.export": Phrase("Took out a file", "导出证照文件"),
    "licence.decide": Phrase("Decided about a licence", "证照决定"),
    "licence.change": Phrase("Changed a licence", "变更证照"),
    "licence.renew": Phrase("Renewed a licence", "延续证照"),
    "licence.lost": Phrase("Marked a licence lost", "证照挂失"),
    "licence.transfer-in": Phrase("Took a licence over", "证照转入"),
    "licence.erase": Phrase("Erased a holder's data", "销毁证照数据"),
    "licence.reveal": Phrase("A holder revealed an item", "持证人查看明文"),
    "licence.use": Phrase("A use was recorded", "用证"),
    "consent.ask": Phrase("Asked for consent", "请求授权"),
    "consent.answer": Phrase("A holder answered", "持证人答复"),
    "holder.sign-in": Phrase("A holder signed in", "持证人登录"),
    "holder.sign-out": Phrase("A holder signed out", "持证人退出"),
    "batch.create": Phrase("Handed in a batch", "提交批次"),
    "batch.validate": Phrase("Validated a batch", "校验批次"),
    "batch.start": Phrase("Started a batch", "开始制发批次"),
    "batch.cancel": Phrase("Cancelled a batch", "取消批次"),
    "batch.end": Phrase("A batch ended", "批次结束"),
    "batch.read": Phrase("Took out a report of a batch", "导出批次报告"),
    "proposal.read": Phrase("Read a proposal", "查看复核事项"),
    "proposal.open": Phrase("Proposed", "提交复核"),
    "proposal.approve": Phrase("Approved", "复核通过"),
    "proposal.reject": Phrase("Rejected", "复核驳回"),
    "proposal.lapse": Phrase("A proposal lapsed", "复核失效"),
    "type.save": Phrase("Saved a licence type", "暂存证照类型"),
    "type.submit": Phrase("Handed in a licence type", "提交证照类型"),
    "type.publish": Phrase("Published a licence type", "发布证照类型"),
    "type.return": Phrase("Sent back a licence type", "退回证照类型"),
    "type.disable": Phrase("Disabled a licence type", "停用证照类型"),
    "seal.file": Phrase("Filed a seal", "印章备案"),
    "seal.decide": Phrase("Decided about a seal", "印章状态变更"),
    "caller.register": Phrase("Registered a caller", "登记接入方"),
    "caller.end": Phrase("Ended a caller's access", "停用接入方"),
    "session.begin": Phrase("Signed in", "登录"),
    "session.end": Phrase("Signed out", "退出"),
    "session.refuse": Phrase("A sign-in was refused", "登录被拒"),
    "token.issue": Phrase("Asked for a token", "领取访问令牌"),
    "vault.rotate": Phrase("Rotated the ledger's key", "轮换台账密钥"),
    "ledger.restored": Phrase("Ledger put back from a backup", "台账自备份恢复"),
    "window.register": Phrase("Registered a window", "登记窗口"),
}
"""By their codes; an action without words is shown by its code."""


def words_of(action: str) -> Phrase:
    """Return what an action is called."""
    return ACTIONS.get(action, Phrase("", action))
