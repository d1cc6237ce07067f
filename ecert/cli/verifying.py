"""`ecert verify`."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from ecert.cli import entry
from ecert.cli.files import read_bounded
from ecert.cli.options import BundleOption, JsonOption, SourceArgument, load_held
from ecert.cli.source import load_source
from ecert.errors import MalformedError, Reason
from ecert.file_report import file_verdict_json, file_verdict_text
from ecert.holdings import Holdings
from ecert.receipt import assess_receipt, is_receipt
from ecert.receipt.report import receipt_verdict_json, receipt_verdict_text
from ecert.report import verdict_json, verdict_text
from ecert.verification import Outcome, assess
from ecert.verification.files import Question, assess_file, kind_of_file
from ecert.x509 import Certificate

_EXIT: Final = {
    Outcome.VALID: entry.OK,
    Outcome.INVALID: entry.REFUSED,
    Outcome.UNDETERMINED: entry.CANNOT_TELL,
}
_MAX_EVIDENCE: Final = 1024 * 1024
_MAX_CERTIFICATE: Final = 64 * 1024
_MAX_CONTENT: Final = 16 * 1024 * 1024


def verify(
    source: SourceArgument,
    *,
    bundle: BundleOption = None,
    at: Annotated[str | None, typer.Option(help="核验所指的时间 Instant the verdict speaks of (RFC 3339)")] = None,
    matter: Annotated[str | None, typer.Option(help="事项编码，其新鲜度要求一并计入 Item code of the matter")] = None,
    evidence: Annotated[
        list[Path] | None, typer.Option(help="签发证据文件，可重复 Evidence of issuance, a file; repeat")
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(help="裸签名值的签名者证书，可重复 Certificate of who made a bare signature; repeat"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="单独的签章值所签的数据 What a signature value that comes alone is over")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """核验证照、OFD 文件、印章、签章值或核验凭据 Verify a licence, file, seal or receipt. 1 invalid, 3 cannot tell."""
    now = entry.now()
    question = Question(
        at=entry.parse_time(at) if at else now,
        now=now,
        matter=matter,
        evidence=[read_bounded(path, _MAX_EVIDENCE, Reason.USAGE) for path in evidence or ()],
        certificates=[_read_certificate(path) for path in certificate or ()],
        content=read_bounded(data, _MAX_CONTENT, Reason.USAGE) if data else None,
    )
    sealed = _load(source)
    held = load_held(bundle)
    outcome, text = _assess(sealed, held, question, as_json=as_json)
    entry.put(text)
    return _EXIT[outcome]


def _assess(
    sealed: bytes | str | MalformedError, held: Holdings, question: Question, *, as_json: bool
) -> tuple[Outcome, str]:
    """Return the verdict's outcome and its text: on a receipt, on a file, or on a code or record."""
    if isinstance(sealed, bytes) and is_receipt(sealed):
        receipt = assess_receipt(sealed, held.registry, now=question.now)
        return receipt.outcome, _json(receipt_verdict_json(receipt)) if as_json else receipt_verdict_text(receipt)
    kind = kind_of_file(sealed) if isinstance(sealed, bytes) else None
    if isinstance(sealed, bytes) and kind is not None:
        file = assess_file(sealed, kind, held, question)
        return file.outcome, _json(file_verdict_json(file)) if as_json else file_verdict_text(file)
    verdict = assess(
        sealed,
        registry=held.registry,
        status=held.status,
        at=question.at,
        now=question.now,
        matter=question.matter,
        evidence=question.evidence,
    )
    return verdict.outcome, _json(verdict_json(verdict)) if as_json else verdict_text(verdict)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _load(source: str) -> bytes | str | MalformedError:
    """Load what is to be verified; a picture without a code is a finding to report, not a crash."""
    try:
        return load_source(source)
    except MalformedError as error:
        return error


def _read_certificate(path: Path) -> bytes:
    """Read a certificate, PEM or DER; one that cannot be read is a mistake of whoever gave it."""
    data = read_bounded(path, _MAX_CERTIFICATE, Reason.USAGE)
    return (Certificate.from_pem(data) if b"-----BEGIN" in data else Certificate.from_der(data)).der
