"""The tables of the issuing service, in the same database as the ledger's (`api.schema`).

What is of record stands there, in rows that never change. What is here says how things stand now: it changes with the
work, and every change of it is in the audit log. Whatever is personal is encrypted (`api.at_rest`), and searched for by
blind index alone.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from api.columns import METADATA, NUMBER, identifier, instant, number, octets, text

_KEY = String(32)
"""An opaque name in addresses."""
_CREDIT_CODE = String(18)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _state() -> Column[str]:
    return Column("state", String(16), nullable=False)


# Licences: where to find them, and what they are now.
data_keys = Table(
    "data_keys", METADATA, identifier("identifier", "completions.identifier", primary_key=True), octets("key")
)
"""The key that a licence's record and file are encrypted with, itself encrypted; without it they are erased."""
licences = Table(
    "licences",
    METADATA,
    identifier("identifier", "completions.identifier", primary_key=True),
    Column("key", _KEY, nullable=False, unique=True),
    identifier("series"),
    Column("version", SmallInteger, nullable=False),
    Column("type_code", String(21), nullable=False),
    Column("department", _CREDIT_CODE, nullable=False),
    Column("area_code", String(6), nullable=False),
    octets("record_digest"),
    octets("face_digest"),
    octets("number_index", nullable=True, index=True),
    octets("holder_index", nullable=True, index=True),
    octets("summary", nullable=True),
    Column("effective", Date, nullable=False),
    Column("expiring", Date),
    instant("issued_at"),
    Column("state", SmallInteger, nullable=False),
    instant("since"),
    instant("until", nullable=True),
    Column("paper_serial", String(64), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("batch", _KEY, index=True),
    UniqueConstraint("series", "version"),
    Index("licences_by_time", "department", "issued_at", "identifier"),
    Index("licences_by_type", "department", "type_code", "issued_at", "identifier"),
    Index("licences_by_end", "department", "expiring"),
)
"""`series` is the identifier without its version; the digests are of the sealed payloads; `state`, `since` and `until`
are of the last decision."""
deciders = Table(
    "deciders",
    METADATA,
    Column("number", NUMBER, ForeignKey("decisions.number"), primary_key=True, autoincrement=False),
    Column("operator", String(64), nullable=False),
    Column("reviewer", String(64), nullable=False),
)
"""Who proposed a decision about a licence, and who approved it; of record."""
drafts = Table(
    "drafts",
    METADATA,
    Column("key", _KEY, primary_key=True),
    Column("caller", _KEY, nullable=False),
    Column("type_code", String(21), nullable=False),
    Column("replaces", String(128)),
    octets("application"),
    instant(),
)
"""Applications on their way to a seal, by one operator; `replaces` names the licence that one changes or renews."""
proposals = Table(
    "proposals",
    METADATA,
    Column("key", _KEY, primary_key=True),
    Column("department", _CREDIT_CODE, nullable=False),
    Column("subject", String(16), nullable=False),
    Column("identifier", String(128), index=True),
    Column("batch", _KEY, index=True),
    octets("content"),
    Column("etag", String(64), nullable=False),
    Column("proposer", _KEY, nullable=False),
    instant(),
    _state(),
    Column("decided_by", _KEY),
    instant("decided_at", nullable=True),
    text("note"),
    Index("proposals_by_state", "department", "state", "at"),
)

# The catalogue.
types = Table(
    "types",
    METADATA,
    Column("code", String(21), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _state(),
    Column("department", _CREDIT_CODE, nullable=False),
    octets("definition"),
    octets("layout"),
    text("sharing"),
    instant("changed_at"),
    Column("changed_by", String(64), nullable=False),
)
"""Versions of types; `definition`, `layout` and `sharing` (regions, budgets, retention) are JSON."""
type_history = Table(
    "type_history",
    METADATA,
    number(),
    Column("code", String(21), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    _state(),
    instant(),
    Column("by", String(64), nullable=False),
    text("note"),
)
"""What became of each version, when, and by whom; of record."""

# Batches.
batches = Table(
    "batches",
    METADATA,
    Column("key", _KEY, primary_key=True),
    Column("department", _CREDIT_CODE, nullable=False),
    Column("type_code", String(21)),
    text("name"),
    Column("size", BigInteger, nullable=False),
    octets("digest"),
    octets("secret"),
    Column("files", Boolean, nullable=False),
    _state(),
    _count("rows"),
    _count("checked"),
    _count("good"),
    _count("failed"),
    _count("issued"),
    text("form"),
    text("columns"),
    text("problem"),
    Column("operator", _KEY, nullable=False),
    instant(),
    instant("started_at", nullable=True),
    instant("ended_at", nullable=True),
    Column("worker", String(64)),
    instant("worker_until", nullable=True),
    Index("batches_by_time", "department", "at", "key"),
)
"""`worker` is the process that validates it until `worker_until`, unless it says again that it does; `form` and
`columns` say what the file turned out to be; `secret` is the key that parts and rows are encrypted with, encrypted."""
batch_parts = Table(
    "batch_parts",
    METADATA,
    Column("batch", _KEY, ForeignKey("batches.key"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    octets("data"),
)
"""The file handed in, encrypted, in parts; there until it was validated."""
batch_chunks = Table(
    "batch_chunks",
    METADATA,
    Column("batch", _KEY, ForeignKey("batches.key"), primary_key=True),
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("worker", String(64)),
    instant("worker_until", nullable=True),
)
"""Rows still to be issued, from `first` to `last`: a chunk is deleted in the transaction that issues what is in it."""
batch_rows = Table(
    "batch_rows",
    METADATA,
    Column("batch", _KEY, ForeignKey("batches.key"), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("state", SmallInteger, nullable=False),
    octets("application", nullable=True),
    Column("errors", LargeBinary),
    Column("identifier", String(128)),
    Index("batch_rows_by_state", "batch", "state", "row"),
)

# Who may call.
callers = Table(
    "callers",
    METADATA,
    Column("id", _KEY, primary_key=True),
    Column("kind", String(16), nullable=False),
    text("name"),
    Column("department", _CREDIT_CODE),
    text("roles"),
    Column("key_id", String(16), unique=True),
    octets("public_key", nullable=True),
    Column("issuer", String(255)),
    Column("subject", String(255)),
    _count("rate"),
    instant(),
    instant("ended_at", nullable=True),
    instant("seen_at", nullable=True),
    UniqueConstraint("issuer", "subject"),
)
"""A system has a key, an operator an identity at a provider (`issuer`, `subject`)."""
sign_ins = Table(
    "sign_ins", METADATA, octets("state", primary_key=True), text("nonce"), text("verifier"), instant("until")
)
sessions = Table(
    "sessions",
    METADATA,
    octets("token", primary_key=True),
    Column("caller", _KEY, ForeignKey("callers.id"), nullable=False),
    instant(),
    instant("until"),
    instant("used_at"),
)
"""`token` is the SM3 digest of what the browser has."""
idempotency = Table(
    "idempotency",
    METADATA,
    Column("caller", _KEY, primary_key=True),
    Column("key", String(64), primary_key=True),
    octets("fingerprint"),
    Column("owner", String(16), nullable=False),
    Column("status", SmallInteger),
    octets("answer", nullable=True),
    instant(index=True),
)
"""Answers kept for a request that comes again; `status` is empty while the first is at work, which `owner` tells from
one that was given up."""

# Showing, consent and use.
holder_sessions = Table(
    "holder_sessions",
    METADATA,
    Column("token", String(64), primary_key=True),
    octets("content"),
    Column("challenge", String(43)),
    instant(),
    instant("until"),
    instant("used_at"),
)
"""`token` is the SM3 digest of what the phone has, in hexadecimal; `content` says who signed in, encrypted; while there
is a `challenge`, the phone has a code that an app is yet to exchange for a token."""
consents = Table(
    "consents",
    METADATA,
    Column("id", _KEY, primary_key=True),
    Column("unit", _CREDIT_CODE, nullable=False),
    octets("holder_index", index=True),
    octets("content"),
    Column("answer", String(16), nullable=False),
    instant("asked_at"),
    instant("answered_at", nullable=True),
)
"""Requests to use a holder's licences; `content` says who asks whom for what, encrypted; `unit` asked."""
uses = Table(
    "uses",
    METADATA,
    number(),
    identifier("identifier", "completions.identifier", index=True),
    instant(),
    octets("content"),
)
"""Every use of a licence, for its holder to read; `content` is encrypted with the licence's key. Of record."""

# The audit log, by whom it is about.
audit_index = Table(
    "audit_index",
    METADATA,
    Column("number", NUMBER, ForeignKey("audit.number"), primary_key=True, autoincrement=False),
    Column("department", _CREDIT_CODE),
    Column("who", String(256), nullable=False),
    Column("action", String(256), nullable=False),
    instant(),
    Index("audit_index_by_department", "department", "number"),
)
"""Where to find an entry of the log, which says all of it itself; `department` is empty for the region's own."""

OF_RECORD = (deciders, type_history, uses, audit_index)
"""Rows that never change."""
TABLES = (
    data_keys,
    licences,
    *OF_RECORD,
    drafts,
    proposals,
    types,
    batches,
    batch_parts,
    batch_chunks,
    batch_rows,
    callers,
    sign_ins,
    sessions,
    idempotency,
    holder_sessions,
    consents,
)
"""All of them."""
