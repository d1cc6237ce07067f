"""Types that departments write, and the addresses where they do."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.api.office import DEPARTMENT

if TYPE_CHECKING:
    import httpx2

    from tests.api.office import Site

CODE = f"{DEPARTMENT}001"
PATH = f"/api/v1/types/{CODE}"
MANAGER, OPERATOR = "catalogue-manager", "region-operator"
NEW = {"If-None-Match": "*"}
_DEFINITION: dict[str, Any] = {
    "basicInformation": {
        "code": CODE,
        "version": 1,
        "slug": "sample-permit",
        "name": "样例许可证",
        "nameEn": "Sample permit",
        "sampleCode": True,
    },
    "holderInformation": {"category": "legal", "codeTypes": ["001"], "label": {"zh": "单位名称", "en": "Holder"}},
    "typeSpecificInformation": [
        {
            "name": "premises",
            "zh": "经营场所",
            "en": "Premises",
            "kind": "text",
            "sensitivity": "public",
            "example": "示例路2号",
        }
    ],
    "catalogue": {
        "category": "licence",
        "definingAuthority": {"name": "样例省市场监督管理局", "code": DEPARTMENT, "level": 2},
        "issuingLevel": 4,
        "validityRanges": ["5/Y", "0/L"],
    },
    "management": {"printedName": "full"},
}
_LAYOUT: dict[str, Any] = {
    "type": CODE,
    "version": 1,
    "page": [210, 148],
    "seal": [165, 115],
    "styles": {"title": {"font": "hei", "size": 10, "align": "center"}, "body": {"font": "song", "size": 4}},
    "items": [
        {"text": "样例许可证", "style": "title", "box": [10, 12, 190, 16]},
        {"text": "{certificateHolderName}", "style": "body", "box": [20, 50, 130, 8]},
        {"text": "经营场所：{premises}", "style": "body", "box": [20, 62, 130, 8]},
        {"qr": [150, 30, 40, 40]},
    ],
    "shortNames": {"premises": "JYCS"},
}


def content(version: int = 1, **changes: Any) -> dict[str, Any]:
    """What a manager sends: `changes` are set by path in the definition, `a__b` for `a` → `b`."""
    definition, layout = copy.deepcopy(_DEFINITION), copy.deepcopy(_LAYOUT)
    definition["basicInformation"]["version"] = version
    for path, value in changes.items():
        *above, last = path.split("__")
        place = definition
        for key in above:
            place = place[key]
        place[last] = value
    return {"definition": definition, "layout": layout}


def save(site: Site, body: Any, *, who: str = MANAGER, path: str = PATH, **headers: str) -> httpx2.Response:
    return site.call(who, "PUT", path, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def move(site: Site, action: str, etag: str, *, who: str = OPERATOR, note: str = "") -> httpx2.Response:
    return site.call(who, "POST", f"{PATH}/{action}", json={"note": note}, headers={"If-Match": etag})


def drafted(site: Site) -> str:
    """Save a first draft, and return its ETag."""
    answer = save(site, content(), If_None_Match="*")
    assert answer.status_code == 201, answer.text
    return answer.headers["ETag"]


def published(site: Site) -> str:
    """Bring it to publication, and return its ETag."""
    submitted = move(site, "submit", drafted(site), who=MANAGER)
    assert submitted.status_code == 200, submitted.text
    answer = move(site, "publish", submitted.headers["ETag"])
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"]
