"""The metadata items of a licence, GB/T 36903: what each is called in Chinese, in pinyin and in JSON.

Inside files and in provincial exchange the pinyin short names are used, in JSON the English ones. Data only.
An obligation is M (always), C (under conditions) or O (optional). Lengths are in characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ecert.errors import NotFoundError, Reason

Obligation = Literal["M", "C", "O"]

EXTENSION_PREFIX: Final = "KZ_"
"""Stands before the short name of a type-specific item (扩展信息) in files."""


@dataclass(frozen=True, slots=True)
class MetadataItem:
    """One item.

    Attributes:
        zh: The Chinese name.
        pinyin: The short name in files, e.g. `ZZMC`; `None` where none is known.
        name: The name in JSON, e.g. `certificateName`; `None` where none is known.
        max_length: The longest value in characters; dates are written yyyy-mm-dd.
        obligation: M, C or O.
        annotated_copy: Whether only annotated copies (加注件) carry it.
    """

    zh: str
    pinyin: str | None
    name: str | None
    max_length: int
    obligation: Obligation
    annotated_copy: bool = False


METADATA: Final = (
    MetadataItem("证照名称", "ZZMC", "certificateName", 512, "M"),
    MetadataItem("证照类型名称", None, "certificateTypeName", 256, "M"),
    MetadataItem("证照类型代码", "ZZLXDM", "certificateTypeCode", 21, "M"),
    MetadataItem("证照编号", "ZZBH", "certificateNumber", 128, "M"),
    MetadataItem("证照标识", "ZZBS", "certificateIdentifier", 128, "M"),
    MetadataItem("证照颁发机构", "ZZBFJG", "certificateIssuingAuthorityName", 256, "M"),
    MetadataItem("证照颁发机构代码", "ZZBFJGDM", "certificateIssuingAuthorityCode", 18, "M"),
    MetadataItem("证照颁发日期", "ZZBFRQ", "certificateIssuedDate", 10, "M"),
    MetadataItem("持证主体", "CZZT", "certificateHolderName", 256, "M"),
    MetadataItem("持证主体代码", "CZZTDM", "certificateHolderCode", 256, "M"),
    MetadataItem("持证主体代码类型", "CZZTDMLX", "certificateHolderTypeName", 64, "M"),
    MetadataItem("持证主体代码类型代码", "CZZTDMLXDM", "certificateHolderTypeCode", 3, "M"),
    MetadataItem("证照有效期起始日期", "ZZYXQQSRQ", "certificateEffectiveDate", 10, "C"),
    MetadataItem("证照有效期截止日期", "ZZYXQJZRQ", "certificateExpiringDate", 10, "C"),
    MetadataItem("证照所属管辖属地编码", None, "certificateAreaCode", 6, "M"),
    MetadataItem("证照签章人", "ZZQZR", None, 256, "O"),
    MetadataItem("证照签章时间", "ZZQZSJ", None, 32, "O"),
    MetadataItem("证照签章名称", "ZZQZMC", None, 256, "O"),
    MetadataItem("创建时间", "CJSJ", None, 32, "O"),
    MetadataItem("加注件制作时间", "JZJZZSJ", "certificateCopyCreationTime", 32, "C", annotated_copy=True),
    MetadataItem("加注件制作者", "JZJZZZ", "certificateCopyCreator", 256, "C", annotated_copy=True),
    MetadataItem("加注件制作事由", "JZJZZSY", "certificateCopyCause", 200, "C", annotated_copy=True),
    MetadataItem("加注件有效期截止时间", "JZJYXQJZSJ", "certificateCopyExpiringTime", 32, "C", annotated_copy=True),
)
"""GB/T 36903: the items every licence type has, and those of annotated copies."""

_BY_NAME: Final = {name: item for item in METADATA for name in (item.zh, item.pinyin, item.name) if name}


def find_item(name: str) -> MetadataItem:
    """Return the item called `name` in Chinese, in pinyin or in JSON.

    Raises:
        NotFoundError: FIELD_INVALID; no item is called so.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise NotFoundError(Reason.FIELD_INVALID, "no metadata item of this name") from None
