"""How the interface describes itself: OpenAPI 3.1 as the framework makes it, with what errors and credentials are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI

from api.access.permissions import OF_HOLDERS, OF_WINDOWS, PUBLIC
from ecert.web.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT: Final = {"type": "string"}
PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `code` 不变、不翻译 never changes and is never translated.",
    "required": ["type", "status", "code", "title", "title_en", "detail", "remedy", "remedy_en", "trace_id", "errors"],
    "properties": {
        "type": {"const": "about:blank"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        **dict.fromkeys(("code", "title", "title_en", "detail", "remedy", "remedy_en"), _TEXT),
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": _TEXT, "detail": _TEXT},
            },
        },
    },
    "example": {
        "type": "about:blank",
        "status": 403,
        "code": "forbidden",
        "title": "无权进行此操作",
        "title_en": "This operation is not among what you may do",
        "detail": "none of your roles may issueLicence",
        "remedy": "请联系地区管理员",
        "remedy_en": "Ask your region's operator",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "errors": [],
    },
}
_SCHEMES: Final = {
    "signature": {"type": "http", "scheme": "signature", "description": "RFC 9421, `sm2-sm3`: docs/signing.md"},
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT (SM2SM3)", "description": "POST /api/v1/token"},
    "window": {"type": "http", "scheme": "bearer", "description": "窗口令牌 A window's token: `windows add`"},
    "holder": {
        "type": "http",
        "scheme": "bearer",
        "description": "持证主体的会话 A holder's session: docs/presenting.md",
    },
}
_OWN_ERRORS: Final = ("HTTPValidationError", "ValidationError")
"""What the framework says that errors look like, and they do not."""


class Interface(FastAPI):
    """An application that describes itself as it is."""

    def openapi(self) -> dict[str, Any]:
        """Return the description; made once."""
        if self.openapi_schema is None:
            _complete(super().openapi())
        return super().openapi()


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return every operation with its path and method."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _complete(description: dict[str, Any]) -> None:
    components = description.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _OWN_ERRORS:
        schemas.pop(name, None)
    schemas["Problem"], components["securitySchemes"] = PROBLEM, _SCHEMES
    problem = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for _, _, operation in operations(description):
        operation["responses"].pop("422", None)
        operation["responses"]["4XX"] = {"description": "请求有误 The request is at fault"} | problem
        operation["responses"]["5XX"] = {"description": "服务有误 The service is at fault"} | problem
        operation["security"] = _security(operation["operationId"])


def _security(name: str) -> list[dict[str, list[str]]]:
    if name == "issueToken":
        return [{"signature": []}]
    if name in PUBLIC:
        return []
    if name in OF_HOLDERS:
        return [{"holder": []}]
    return [{"window": []}] if name in OF_WINDOWS else [{"signature": []}, {"token": []}]
