"""Errors on the wire: RFC 9457 problem details, from one table.

    {"type": "about:blank", "status": 422, "code": "request-invalid", "title": "…", "title_en": "…", "detail": "…",
     "remedy": "…", "remedy_en": "…", "trace_id": "…", "errors": [{"pointer": "/text", "detail": "…"}]}

`code` is stable and never translated. An error that no table knows is a 500 with an empty detail: what went wrong
inside is for the log, under the same trace id.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from ecert.errors import CustodyError, EcertError, IssuanceError, MalformedError, NotFoundError, Reason
from ecert.licence.strict_json import pointer
from ecert.wording import Wording, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fastapi import FastAPI, Request, Response

MEDIA_TYPE: Final = "application/problem+json"
MAX_ERRORS: Final = 32
"""The most entries of `errors` in one answer."""

_log = logging.getLogger("ecert.web")
_Model = TypeVar("_Model", bound=BaseModel)


class Code(StrEnum):
    """Causes that only exist on the wire; all others are `ecert.errors.Reason`. Append, never rename."""

    REQUEST_INVALID = "request-invalid"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    MEDIA_TYPE_UNSUPPORTED = "media-type-unsupported"
    UNAUTHENTICATED = "unauthenticated"
    BUSY = "busy"
    RATE_LIMITED = "rate-limited"
    FORBIDDEN = "forbidden"
    IDEMPOTENCY_KEY_MISSING = "idempotency-key-missing"
    IDEMPOTENCY_KEY_RUNNING = "idempotency-key-running"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    PRECONDITION_REQUIRED = "precondition-required"
    PRECONDITION_FAILED = "precondition-failed"


_WORDS: Final = {
    Code.REQUEST_INVALID: Wording(
        "请求不符合接口要求",
        "The request is not as the interface asks",
        "请按逐项提示修改",
        "Mend what is listed",
    ),
    Code.NOT_FOUND: Wording("没有这个地址", "There is nothing at this address", "请核对地址", "Check the address"),
    Code.METHOD_NOT_ALLOWED: Wording(
        "此地址不支持这种请求方法", "This address does not take this method", "请核对方法", "Check the method"
    ),
    Code.MEDIA_TYPE_UNSUPPORTED: Wording(
        "不支持这种内容类型", "This content type is not supported", "请核对 Content-Type", "Check Content-Type"
    ),
    Code.UNAUTHENTICATED: Wording(
        "没有有效的凭据", "No valid credentials came with the request", "请核对令牌", "Check the token"
    ),
    Code.BUSY: Wording("服务繁忙", "The service is busy", "请稍后重试", "Try again shortly"),
    Code.RATE_LIMITED: Wording(
        "请求过于频繁", "There were too many requests", "请按 Retry-After 等待后重试", "Wait as Retry-After says"
    ),
    Code.FORBIDDEN: Wording(
        "无权进行此操作",
        "This operation is not among what you may do",
        "请联系地区管理员",
        "Ask your region's operator",
    ),
    Code.IDEMPOTENCY_KEY_MISSING: Wording(
        "缺少 Idempotency-Key",
        "The request has no Idempotency-Key",
        "请为每次操作生成一个",
        "Make one for each operation",
    ),
    Code.IDEMPOTENCY_KEY_RUNNING: Wording(
        "同一 Idempotency-Key 的请求正在处理",
        "A request with this Idempotency-Key is being processed",
        "请稍后以相同内容重试",
        "Repeat it unchanged, a little later",
    ),
    Code.IDEMPOTENCY_KEY_REUSED: Wording(
        "此 Idempotency-Key 已用于另一请求",
        "This Idempotency-Key was used for another request",
        "请换一个 Idempotency-Key",
        "Use another Idempotency-Key",
    ),
    Code.PRECONDITION_REQUIRED: Wording(
        "缺少 If-Match", "The request has no If-Match", "请先读取并带上其 ETag", "Read it first, and send its ETag"
    ),
    Code.PRECONDITION_FAILED: Wording(
        "内容已被他人修改",
        "It was changed by somebody else meanwhile",
        "请重新读取后再改",
        "Read it again and repeat the change",
    ),
}
_UNAUTHENTICATED: Final = (
    Reason.REQUEST_UNSIGNED,
    Reason.REQUEST_SIGNATURE_MALFORMED,
    Reason.REQUEST_SIGNATURE_PARAMETER,
    Reason.REQUEST_SIGNATURE_COVERAGE,
    Reason.REQUEST_SIGNATURE_TIME,
    Reason.REQUEST_SIGNATURE_BAD,
    Reason.REQUEST_KEY_UNKNOWN,
    Reason.REQUEST_DIGEST_UNSUPPORTED,
    Reason.REQUEST_DIGEST_MISMATCH,
    Reason.REQUEST_REPLAYED,
    Reason.TOKEN_MALFORMED,
    Reason.TOKEN_ALGORITHM,
    Reason.TOKEN_KEY_UNKNOWN,
    Reason.TOKEN_SIGNATURE_BAD,
    Reason.TOKEN_CLAIM,
    Reason.TOKEN_ISSUER,
    Reason.TOKEN_AUDIENCE,
    Reason.TOKEN_EXPIRED,
    Reason.TOKEN_NOT_YET_VALID,
)
"""Why a signed request or a token is no credential: the caller is told which, since nothing secret is in it."""
_OURS: Final = 500
"""From this status on something is wrong on our side, and the log says what."""
_INSIDE: Final = (Reason.INTERNAL, Reason.CIPHERTEXT_MALFORMED, Reason.CIPHERTEXT_BAD)
"""What is wrong inside, and no caller's business."""
_OF_THE_AGENT: Final = (Reason.AGENT_UNREACHABLE, Reason.AGENT_RATE_EXCEEDED, Reason.AGENT_APPROVAL_NEEDED)
"""What a caller may wait for: an agent that starts again, the next day's count, somebody's approval."""
_ANSWERED: Final = (
    Reason.CONSENT_MISSING,
    Reason.CONSENT_REFUSED,
    Reason.CONSENT_LAPSED,
    Reason.CONSENT_ANSWERED,
    Reason.GRANT_MISMATCH,
)
"""What the holder said, or did not say, stands against a request."""
_STATUS: Final[dict[Code | Reason, int]] = {
    **dict.fromkeys(_OF_THE_AGENT, 503),
    Code.REQUEST_INVALID: 422,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.MEDIA_TYPE_UNSUPPORTED: 415,
    Code.UNAUTHENTICATED: 401,
    Code.BUSY: 503,
    Code.RATE_LIMITED: 429,
    Code.FORBIDDEN: 403,
    Code.IDEMPOTENCY_KEY_MISSING: 400,
    Code.IDEMPOTENCY_KEY_RUNNING: 409,
    Code.IDEMPOTENCY_KEY_REUSED: 422,
    Code.PRECONDITION_REQUIRED: 428,
    Code.PRECONDITION_FAILED: 412,
    Reason.TOO_LARGE: 413,
    Reason.TEXT_DAMAGED: 400,
    Reason.CODE_UNKNOWN: 404,
    Reason.CODE_USED: 409,
    Reason.CODE_EXPIRED: 410,
    Reason.SOURCE_UNREACHABLE: 503,
    Reason.LEGAL_BASIS_MISSING: 403,
    **dict.fromkeys(_ANSWERED, 409),
    Reason.LEDGER_CONFLICT: 409,
    Reason.BATCH_STATE: 409,
    Reason.TYPE_STATE_CONFLICT: 409,
    Reason.SEAL_STATE_CONFLICT: 409,
    Reason.ACTION_NOT_ALLOWED: 409,
    Reason.PROPOSAL_DECIDED: 409,
    Reason.PROPOSAL_PENDING: 409,
    Reason.PROPOSAL_STALE: 409,
    Reason.SECOND_PERSON_NEEDED: 403,
    Reason.INTERNAL: 500,
    **dict.fromkeys(_UNAUTHENTICATED, 401),
}
_CODES: Final[dict[int, Code | Reason]] = {
    400: Code.REQUEST_INVALID,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    413: Reason.TOO_LARGE,
    415: Code.MEDIA_TYPE_UNSUPPORTED,
}
"""What an error that the framework raises by its status alone is called."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one part of a request.

    Attributes:
        pointer: RFC 6901 JSON Pointer; empty for the whole body.
        detail: What is wrong, in English; never repeats the value, which may be personal.
    """

    pointer: str
    detail: str


class Problem(HTTPException):
    """A request that ends in an error; raise it anywhere below a route."""

    def __init__(
        self,
        code: Code | Reason,
        detail: str = "",
        errors: Iterable[FieldError] = (),
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what the answer will say; the status is the code's own unless another is given."""
        super().__init__(status or _STATUS.get(code, 422), detail, dict(headers or {}))
        self.code = code
        self.errors = tuple(errors)[:MAX_ERRORS]

    @property
    def words(self) -> Wording:
        """The sentence and the remedy."""
        return _WORDS[self.code] if isinstance(self.code, Code) else words(self.code)

    def body(self, trace_id: str) -> dict[str, Any]:
        """Return the problem details object."""
        said = self.words
        return {
            "type": "about:blank",
            "status": self.status_code,
            "code": self.code.value,
            "title": said.zh,
            "title_en": said.en,
            "detail": self.detail,
            "remedy": said.remedy_zh,
            "remedy_en": said.remedy_en,
            "trace_id": trace_id,
            "errors": [{"pointer": error.pointer, "detail": error.detail} for error in self.errors],
        }


def problem_for(error: EcertError) -> Problem:
    """Return the problem of a domain error."""
    if error.reason in _OF_THE_AGENT:
        return Problem(error.reason, headers={"Retry-After": "30"})
    if isinstance(error, CustodyError) or error.reason in _INSIDE:
        return Problem(Reason.INTERNAL)
    if isinstance(error, IssuanceError | MalformedError):
        return Problem(error.reason, error.detail, (FieldError(p.pointer, p.expected) for p in error.problems))
    status = 404 if isinstance(error, NotFoundError) else None
    return Problem(error.reason, error.detail, status=status)


def read_json(model: type[_Model], data: bytes) -> _Model:
    """Read a JSON body into a model; the model decides how strict.

    Raises:
        Problem: `request-invalid`, with a pointer for each thing wrong.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise _invalid(error.errors(include_url=False, include_input=False, include_context=False)) from None


def _invalid(errors: Iterable[Mapping[str, Any]], skip: int = 0) -> Problem:
    """Make the problem of pydantic's errors, whose places begin with `skip` parts that are not of the JSON itself."""
    return Problem(
        Code.REQUEST_INVALID, errors=(FieldError(_place(error, skip), str(error["msg"])) for error in errors)
    )


def _place(error: Mapping[str, Any], skip: int) -> str:
    """Return the JSON Pointer to what an error is about; where the body is no JSON, that is all of it."""
    return "" if error["type"] == "json_invalid" else pointer(*map(str, error["loc"][skip:]))


def trace_id(request: Request) -> str:
    """Return the request's trace id, as `ecert.web.metrics` assigned it."""
    return str(request.scope.get("state", {}).get("trace_id", ""))


def respond(request: Request, problem: Problem) -> JSONResponse:
    """Return a problem as a response."""
    return JSONResponse(
        problem.body(trace_id(request)), problem.status_code, headers=problem.headers, media_type=MEDIA_TYPE
    )


def problem_of(error: Exception) -> Problem:
    """Return the problem of whatever was raised below a route."""
    match error:
        case Problem():
            return error
        case HTTPException():
            code = _CODES.get(error.status_code, Code.REQUEST_INVALID)
            return Problem(code, status=error.status_code, headers=error.headers)
        case EcertError():
            return problem_for(error)
        case RequestValidationError():
            return _invalid(error.errors(), skip=1)
    return Problem(Reason.INTERNAL)


def install(app: FastAPI, answer: Callable[[Request, Problem], Response] = respond) -> None:
    """Make every error of an application a problem, which `answer` makes a response of."""

    async def on_known(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if problem.status_code >= _OURS:
            _log.error("%s", error)
        return answer(request, problem)

    async def on_unknown(request: Request, error: Exception) -> Response:
        """Say nothing of it on the wire; the server logs where it was raised, when it is raised again."""
        _log.error("%s on %s", type(error).__name__, request.url.path)
        return answer(request, Problem(Reason.INTERNAL))

    for known in (HTTPException, EcertError, RequestValidationError):
        app.add_exception_handler(known, on_known)
    app.add_exception_handler(Exception, on_unknown)
