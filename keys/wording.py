"""What people at a ceremony are told, in Chinese and English: refusals, and what to do with new keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, Reason
from ecert.wording import words
from keys.names import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from keys.names import KeyName

_HERE: Final = {
    Reason.CERTIFICATE_REVOKED: "证书已在吊销列表上",
    Reason.CERTIFICATE_EXPIRED: "签发者证书已过期",
    Reason.CERTIFICATE_NOT_YET_VALID: "签发者证书尚未生效，请检查本机时间",
    Reason.SELF_CHECK_FAILED: "自检未通过，没有写入任何文件",
    Reason.KEY_EXISTS: "文件已存在，不会覆盖；没有写入任何文件",
    Reason.INTERNAL: "目录无法使用，没有写入任何文件",
}
"""Reasons whose common wording speaks to a window about a licence."""

_CUSTODY: Final = {
    Kind.NATIONAL_ROOT: (
        "根密钥离线保存：备份两份到两个保险柜，口令另行封存；口令由两人各掌握一半。",
        "Keep the root key off line: two copies in two safes, the passphrase sealed apart, each half with one person.",
    ),
    Kind.REGION: (
        "地区密钥离线保存：备份两份，口令另行封存，由地区运营机构的密钥管理员保管。",
        "Keep the region key off line: two copies, the passphrase sealed apart, with the region's key custodian.",
    ),
    Kind.STATUS: (
        "状态签发密钥只放在发布状态名录的服务器上；丢失可轮换，不必备份。",
        "The status key belongs only on the server that publishes status lists; lost, it is rotated; keep no copy.",
    ),
    Kind.DEPARTMENT: (
        "部门密钥交部门印章管理员，放在签发服务器上；丢失可轮换，不必备份。",
        "Hand the department key to the department's keeper of seals, for the issuing server; lost, it is rotated.",
    ),
    Kind.SEAL_MAKER: (
        "制章密钥交制章机构保管，只在制章时使用；丢失可轮换。",
        "Hand the seal maker's key to that body; it is used only to make seals; lost, it is rotated.",
    ),
    Kind.TSA: (
        "时间戳密钥交时间戳机构保管，放在时间戳服务器上；丢失可轮换。",
        "Hand the time-stamping key to that body, for its time-stamping server; lost, it is rotated.",
    ),
    Kind.RELYING_PARTY: (
        "用证单位密钥交该单位保管，用于签名请求；丢失可轮换。",
        "Hand the relying party's key to that body; it signs its requests; lost, it is rotated.",
    ),
}


def refusal(error: EcertError) -> str:
    """Say why a command was refused: the stable code with a Chinese line, and again with an English one."""
    code = error.reason.value
    zh = _HERE.get(error.reason) or words(error.reason).zh
    en = error.detail or words(error.reason).en
    return f"{code}: {zh}。\n{code}: {en.rstrip('.')}."


def custody(keys: Iterable[tuple[KeyName, Path]]) -> str:
    """Say, for each new key and its file, what to back up, where, and who should hold it."""
    lines = []
    for name, path in keys:
        zh, en = _CUSTODY[name.kind]
        lines += [f"{path}", f"  {zh}", f"  {en}"]
    return "\n".join(lines)


REPLACED: Final = (
    "旧密钥确认无用后请销毁；旧证书须保留，以核验此前签章的证照。\n"
    "Destroy the old key once nothing uses it; keep the old certificate: what it sealed is verified with it."
)
CRL_CHANGED: Final = (
    "请发布新的吊销列表和信任名录，否则核验方不会知道。\n"
    "Publish the new revocation list and registry: until then no verifier knows."
)
STATUS_KEY_NOTE: Final = (
    "提示：状态签发密钥与地区密钥用了同一口令；建议用 --status-passphrase-file 分开。\n"
    "Note: the status key shares the region key's passphrase; --status-passphrase-file keeps them apart."
)
