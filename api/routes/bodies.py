"""Bodies of requests that a route reads itself, since their bytes are signed, and how OpenAPI tells of them."""

from base64 import b64decode
from typing import Any

from pydantic import BaseModel, ConfigDict

from ecert.web.problems import Code, FieldError, Problem

_PREFIX = "#/$defs/"


class Body(BaseModel):
    """What may stand in a body: what it names and nothing else, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True)


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return how OpenAPI describes such a body."""
    schema = model.model_json_schema()
    whole = _inlined(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": whole}}}}


def unpacked_record(text: str, pointer: str) -> bytes:
    """Return the sealed record that a body has in base64.

    Args:
        text: What it has.
        pointer: Where, as a JSON Pointer.

    Raises:
        Problem: REQUEST_INVALID; it is no base64.
    """
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise Problem(Code.REQUEST_INVALID, errors=[FieldError(pointer, "base64 of a sealed record")]) from None


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in the place of references, which would not lead anywhere from within the whole document."""
    if isinstance(node, list):
        return [_inlined(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].removeprefix(_PREFIX)] | _without_reference(node), definitions)
    return {name: _inlined(one, definitions) for name, one in node.items()}


def _without_reference(node: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in node.items() if name != "$ref"}
