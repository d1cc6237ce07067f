"""Every error this project raises, and every reason it gives.

    EcertError                      carries a Reason (stable code) and a detail (one English sentence)
    ├── MalformedError              the bytes or text are not what they claim to be
    ├── IssuanceError               a licence cannot be issued from this application; lists FieldProblems
    ├── CustodyError                a key or an engine cannot be used
    ├── NotFoundError               the thing named is not there
    └── VerificationError           the thing is well formed, and verifying it did not end in "valid"
        ├── RejectedError           it is invalid
        └── UndeterminedError       it cannot be told: evidence is missing or stale

Domain errors carry no HTTP status and no exit code: the rim maps them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """A stable code for one cause. A wire contract: append, never rename or reuse."""

    OK = "ok"

    # The bytes: texts, envelopes, records.
    NOT_A_LICENCE_TEXT = "not-a-licence-text"
    TEXT_DAMAGED = "text-damaged"
    TOO_LARGE = "too-large"
    RECORD_MALFORMED = "record-malformed"
    IMAGE_UNREADABLE = "image-unreadable"
    NO_QR_IN_IMAGE = "no-qr-in-image"
    DATA_MALFORMED = "data-malformed"

    # SM2 values and keys.
    SIGNATURE_MALFORMED = "signature-malformed"
    SIGNATURE_BAD = "signature-bad"
    PUBLIC_KEY_MALFORMED = "public-key-malformed"
    USER_ID_MALFORMED = "user-id-malformed"
    KEY_FILE_MALFORMED = "key-file-malformed"
    ENGINE_MISSING = "engine-missing"
    ENGINE_FAILED = "engine-failed"

    # Custody.
    PASSPHRASE_WRONG = "passphrase-wrong"  # noqa: S105  (a code)
    PASSPHRASE_MISSING = "passphrase-missing"  # noqa: S105  (a code)
    KEY_FILE_EXPOSED = "key-file-exposed"
    KEY_EXISTS = "key-exists"
    KEY_NOT_FOUND = "key-not-found"
    KEY_MISMATCH = "key-mismatch"

    # X.509 certificates, requests, revocation lists and paths.
    CERTIFICATE_MALFORMED = "certificate-malformed"
    REQUEST_MALFORMED = "request-malformed"
    CRL_MALFORMED = "crl-malformed"
    CERTIFICATE_NO_PATH = "certificate-no-path"
    CERTIFICATE_SIGNATURE_BAD = "certificate-signature-bad"
    CERTIFICATE_ALGORITHM = "certificate-algorithm"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_CA = "certificate-not-ca"
    CERTIFICATE_PATH_LENGTH = "certificate-path-length"
    CERTIFICATE_KEY_USAGE = "certificate-key-usage"
    CERTIFICATE_PURPOSE = "certificate-purpose"
    CERTIFICATE_NAME_CHAINING = "certificate-name-chaining"
    CERTIFICATE_NAME_CONSTRAINTS = "certificate-name-constraints"
    CERTIFICATE_CRITICAL_EXTENSION = "certificate-critical-extension"
    CERTIFICATE_POLICY = "certificate-policy"
    CERTIFICATE_REVOKED = "certificate-revoked"
    CRL_MISSING = "crl-missing"
    CRL_STALE = "crl-stale"
    CRL_SIGNATURE_BAD = "crl-signature-bad"
    CRL_UNSUPPORTED = "crl-unsupported"

    # Licence data.
    IDENTIFIER_MALFORMED = "identifier-malformed"
    IDENTIFIER_CHECK_CHARACTER = "identifier-check-character"
    TYPE_UNKNOWN = "type-unknown"
    TYPE_MALFORMED = "type-malformed"
    FIELD_INVALID = "field-invalid"
    FIELD_DIGEST_MISMATCH = "field-digest-mismatch"

    # Trust registry.
    REGISTRY_MALFORMED = "registry-malformed"
    REGISTRY_SIGNATURE_BAD = "registry-signature-bad"
    REGISTRY_MISSING = "registry-missing"
    REGISTRY_STALE = "registry-stale"
    REGISTRY_ROLLBACK = "registry-rollback"
    REGISTRY_FROZEN = "registry-frozen"
    REGISTRY_MIXED = "registry-mixed"
    REGISTRY_OUT_OF_BOUNDS = "registry-out-of-bounds"
    REGISTRY_TOO_OLD = "registry-too-old"
    ISSUER_UNKNOWN = "issuer-unknown"
    ISSUER_MISMATCH = "issuer-mismatch"
    ISSUER_NOT_ENTITLED = "issuer-not-entitled"
    ISSUER_KEY_COMPROMISED = "issuer-key-compromised"

    # Status.
    STATUS_MALFORMED = "status-malformed"
    STATUS_SIGNATURE_BAD = "status-signature-bad"
    STATUS_MISSING = "status-missing"
    STATUS_STALE = "status-stale"
    STATUS_ROLLBACK = "status-rollback"
    STATUS_NOT_COVERED = "status-not-covered"
    STATUS_GAP = "status-gap"
    STATUS_FOREIGN = "status-foreign"
    STATUS_FROM_FUTURE = "status-from-future"
    STATUS_INCOMPLETE = "status-incomplete"
    STATUS_DETAILS_MISSING = "status-details-missing"
    STATUS_TOO_OLD = "status-too-old"
    CLOCK_BEHIND = "clock-behind"
    EVIDENCE_BAD = "evidence-bad"
    SOURCE_UNREACHABLE = "source-unreachable"

    # The verdict on a licence.
    SEAL_BAD = "seal-bad"
    SEALED_IN_FUTURE = "sealed-in-future"
    NOT_YET_IN_FORCE = "not-yet-in-force"
    EXPIRED = "expired"
    INACTIVE = "inactive"
    SUSPENDED = "suspended"
    SUPERSEDED = "superseded"
    TRANSFERRED = "transferred"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"

    # Issuing.
    APPLICATION_INVALID = "application-invalid"
    SELF_CHECK_FAILED = "self-check-failed"
    LEDGER_CONFLICT = "ledger-conflict"
    LICENCE_NOT_FOUND = "licence-not-found"
    USAGE = "usage"
    INTERNAL = "internal"

    # Signed data (CMS), timestamps, electronic seals and what is sealed with them.
    SIGNED_DATA_MALFORMED = "signed-data-malformed"
    SIGNED_DATA_ALGORITHM = "signed-data-algorithm"
    SIGNED_DATA_NO_SIGNER = "signed-data-no-signer"
    SIGNED_DATA_MISMATCH = "signed-data-mismatch"
    TIMESTAMP_MALFORMED = "timestamp-malformed"
    TIMESTAMP_MISMATCH = "timestamp-mismatch"
    TIMESTAMP_SIGNATURE_BAD = "timestamp-signature-bad"
    TIMESTAMP_CERTIFICATE_BAD = "timestamp-certificate-bad"
    TIMESTAMP_CERTIFICATE_REVOKED = "timestamp-certificate-revoked"
    TIMESTAMP_KEY_COMPROMISED = "timestamp-key-compromised"
    TIMESTAMP_REFUSED = "timestamp-refused"
    TIMESTAMP_TIME_IMPLAUSIBLE = "timestamp-time-implausible"
    SEAL_MALFORMED = "seal-malformed"
    SEAL_MAKER_SIGNATURE_BAD = "seal-maker-signature-bad"
    SEAL_MAKER_CERTIFICATE_BAD = "seal-maker-certificate-bad"
    SEAL_MAKER_CERTIFICATE_REVOKED = "seal-maker-certificate-revoked"
    SEAL_MAKER_KEY_COMPROMISED = "seal-maker-key-compromised"
    SEAL_NOT_IN_PERIOD = "seal-not-in-period"
    SEAL_FIELD_INVALID = "seal-field-invalid"
    SEAL_FONT_UNUSABLE = "seal-font-unusable"
    SEAL_TEXT_UNDRAWABLE = "seal-text-undrawable"
    SEALING_MALFORMED = "sealing-malformed"
    SEALING_SIGNATURE_BAD = "sealing-signature-bad"
    SEALING_CERTIFICATE_BAD = "sealing-certificate-bad"
    SEALING_CERTIFICATE_PERIOD = "sealing-certificate-period"
    SEALING_CERTIFICATE_REVOKED = "sealing-certificate-revoked"
    SEALING_KEY_COMPROMISED = "sealing-key-compromised"
    SEALING_CERTIFICATE_NOT_LISTED = "sealing-certificate-not-listed"
    SEALING_TIME_UNKNOWN = "sealing-time-unknown"
    SEALING_DATA_CHANGED = "sealing-data-changed"

    # OFD files, the layouts of their pages, and annotated copies.
    NOT_OFD = "not-ofd"
    FILE_UNSAFE = "file-unsafe"
    FILE_DAMAGED = "file-damaged"
    FILE_UNSIGNED = "file-unsigned"
    FILE_PART_MISSING = "file-part-missing"
    FILE_PART_CHANGED = "file-part-changed"
    FILE_PART_UNPROTECTED = "file-part-unprotected"
    FILE_DIGEST_ALGORITHM = "file-digest-algorithm"
    FILE_SEAL_MISMATCH = "file-seal-mismatch"
    FILE_SIGNER_NOT_GIVEN = "file-signer-not-given"
    FILE_UNDRAWABLE = "file-undrawable"
    LAYOUT_MALFORMED = "layout-malformed"
    LAYOUT_FONT_UNUSABLE = "layout-font-unusable"
    LAYOUT_TEXT_UNDRAWABLE = "layout-text-undrawable"
    LAYOUT_TEXT_TOO_LONG = "layout-text-too-long"
    LAYOUT_PICTURE_UNUSABLE = "layout-picture-unusable"
    COPY_REFUSED = "copy-refused"
    SEALING_TIME_UNPROVED = "sealing-time-unproved"

    # Files as a window sees them: whose they are, what became of the seal, what a copy is for.
    SIGNER_UNREGISTERED = "signer-unregistered"
    SEAL_STATUS_MISSING = "seal-status-missing"
    SEAL_SUSPENDED = "seal-suspended"
    SEAL_CANCELLED = "seal-cancelled"
    SEALING_DATA_NOT_GIVEN = "sealing-data-not-given"
    FILE_NO_LICENCE = "file-no-licence"
    FILE_LICENCE_MISMATCH = "file-licence-mismatch"
    COPY_EXPIRED = "copy-expired"

    # Personal data at rest.
    CIPHERTEXT_MALFORMED = "ciphertext-malformed"
    CIPHERTEXT_BAD = "ciphertext-bad"
    VAULT_KEY_MISSING = "vault-key-missing"
    VAULT_KEY_UNUSABLE = "vault-key-unusable"

    # Signed requests of other systems (RFC 9421), and access tokens.
    REQUEST_UNSIGNED = "request-unsigned"
    REQUEST_SIGNATURE_MALFORMED = "request-signature-malformed"
    REQUEST_SIGNATURE_PARAMETER = "request-signature-parameter"
    REQUEST_SIGNATURE_COVERAGE = "request-signature-coverage"
    REQUEST_SIGNATURE_TIME = "request-signature-time"
    REQUEST_SIGNATURE_BAD = "request-signature-bad"
    REQUEST_KEY_UNKNOWN = "request-key-unknown"
    REQUEST_DIGEST_UNSUPPORTED = "request-digest-unsupported"
    REQUEST_DIGEST_MISMATCH = "request-digest-mismatch"
    REQUEST_REPLAYED = "request-replayed"
    TOKEN_MALFORMED = "token-malformed"  # noqa: S105  (a code)
    TOKEN_ALGORITHM = "token-algorithm"  # noqa: S105  (a code)
    TOKEN_KEY_UNKNOWN = "token-key-unknown"  # noqa: S105  (a code)
    TOKEN_SIGNATURE_BAD = "token-signature-bad"  # noqa: S105  (a code)
    TOKEN_CLAIM = "token-claim"  # noqa: S105  (a code)
    TOKEN_ISSUER = "token-issuer"  # noqa: S105  (a code)
    TOKEN_AUDIENCE = "token-audience"  # noqa: S105  (a code)
    TOKEN_EXPIRED = "token-expired"  # noqa: S105  (a code)
    TOKEN_NOT_YET_VALID = "token-not-yet-valid"  # noqa: S105  (a code)

    # Tables that departments hand in.
    TABLE_FORMAT = "table-format"
    TABLE_HEADING = "table-heading"
    TABLE_UNSAFE = "table-unsafe"
    TABLE_DAMAGED = "table-damaged"
    TABLE_TOO_LARGE = "table-too-large"

    # Audit logs.
    AUDIT_MALFORMED = "audit-malformed"
    AUDIT_BROKEN = "audit-broken"

    # Callers of a service.
    SIGN_IN_REFUSED = "sign-in-refused"
    LICENCE_ERASED = "licence-erased"
    CALLER_UNKNOWN = "caller-unknown"

    # Batches.
    BATCH_UNKNOWN = "batch-unknown"
    BATCH_STATE = "batch-state"
    BATCH_NOTHING_GOOD = "batch-nothing-good"

    # The signing agent.
    AGENT_UNREACHABLE = "agent-unreachable"
    AGENT_REQUEST_MALFORMED = "agent-request-malformed"
    AGENT_CALLER_REFUSED = "agent-caller-refused"
    AGENT_KIND_REFUSED = "agent-kind-refused"
    AGENT_RATE_EXCEEDED = "agent-rate-exceeded"
    AGENT_APPROVAL_NEEDED = "agent-approval-needed"
    AGENT_APPROVAL_BAD = "agent-approval-bad"

    # The catalogue.
    TYPE_STATE_CONFLICT = "type-state-conflict"
    TYPE_DIGEST_MISMATCH = "type-digest-mismatch"

    # The seal register.
    SEAL_UNKNOWN = "seal-unknown"
    SEAL_STATE_CONFLICT = "seal-state-conflict"

    # What becomes of a licence after it was issued.
    ACTION_NOT_ALLOWED = "action-not-allowed"
    DECISION_INVALID = "decision-invalid"
    PROPOSAL_NOT_FOUND = "proposal-not-found"
    PROPOSAL_DECIDED = "proposal-decided"
    PROPOSAL_PENDING = "proposal-pending"
    PROPOSAL_STALE = "proposal-stale"
    SECOND_PERSON_NEEDED = "second-person-needed"

    # Showing licences: dynamic codes, consent, grants.
    CODE_UNKNOWN = "code-unknown"
    CODE_USED = "code-used"
    CODE_EXPIRED = "code-expired"
    CONSENT_MISSING = "consent-missing"
    CONSENT_REFUSED = "consent-refused"
    CONSENT_LAPSED = "consent-lapsed"
    CONSENT_ANSWERED = "consent-answered"
    GRANT_MISMATCH = "grant-mismatch"
    GRANT_EXPIRED = "grant-expired"
    LEGAL_BASIS_MISSING = "legal-basis-missing"
    CONSENT_UNKNOWN = "consent-unknown"

    # Matters accepted at a window, and the receipts of what was verified for them.
    MATTER_MALFORMED = "matter-malformed"
    MATTER_UNKNOWN = "matter-unknown"
    MATTER_INCOMPLETE = "matter-incomplete"
    MATTER_ELSEWHERE = "matter-elsewhere"
    CASE_UNKNOWN = "case-unknown"
    FORM_INCOMPLETE = "form-incomplete"
    RECEIPT_MALFORMED = "receipt-malformed"
    RECEIPT_UNSIGNED = "receipt-unsigned"
    RECEIPT_SIGNATURE_BAD = "receipt-signature-bad"
    RECEIPT_SIGNER_UNKNOWN = "receipt-signer-unknown"
    RECEIPT_SIGNER_NOT_ENTITLED = "receipt-signer-not-entitled"
    RECEIPT_KEY_COMPROMISED = "receipt-key-compromised"
    RECEIPT_FROM_FUTURE = "receipt-from-future"

    # What a window asks the services of regions, and how it knows clerks and applicants.
    REGION_NOT_CONNECTED = "region-not-connected"
    REGION_UNREACHABLE = "region-unreachable"
    REGION_ANSWER_UNUSABLE = "region-answer-unusable"
    LICENCE_NOT_THERE = "licence-not-there"
    COPY_MISMATCH = "copy-mismatch"
    CODE_NOT_IDENTIFYING = "code-not-identifying"
    CARD_TEXT_MALFORMED = "card-text-malformed"
    CARD_EXPIRED = "card-expired"
    CLERK_UNKNOWN = "clerk-unknown"
    CLERK_LOCKED = "clerk-locked"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one field of an application or data row.

    Attributes:
        pointer: RFC 6901 JSON Pointer to the field, e.g. `/fields/credit_code`.
        expected: What was expected, as one English phrase; never repeats the value (it may be personal).
        expected_zh: The same phrase in Chinese.
    """

    pointer: str
    expected: str
    expected_zh: str


class EcertError(Exception):
    """The root of the tree."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        """Keep the stable `reason` and a `detail` that says what exactly was wrong."""
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail


class MalformedError(EcertError):
    """The bytes or text are not what they claim to be."""

    def __init__(self, reason: Reason, detail: str = "", problems: tuple[FieldProblem, ...] = ()) -> None:
        """Keep what is wrong where, too, in what people write by hand."""
        super().__init__(reason, detail)
        self.problems = problems


class IssuanceError(EcertError):
    """A licence cannot be issued from this application."""

    def __init__(self, reason: Reason, detail: str = "", problems: tuple[FieldProblem, ...] = ()) -> None:
        """Keep every field problem found, so that a clerk mends them in one go."""
        super().__init__(reason, detail)
        self.problems = problems


class CustodyError(EcertError):
    """A private key or a cryptographic engine cannot be used."""


class NotFoundError(EcertError):
    """The thing named is not there."""


class VerificationError(EcertError):
    """Verification did not end in "valid"."""


class RejectedError(VerificationError):
    """It is invalid."""


class UndeterminedError(VerificationError):
    """It cannot be told: evidence is missing or stale. Never to be shown as valid, nor as revoked."""
