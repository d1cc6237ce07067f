"""Verification receipts (核验凭据): what a window saw, signed by its unit, verifiable for as long as a case is kept."""

from ecert.receipt.content import CaseOf, Place, Receipt
from ecert.receipt.sealing import MAX_RECEIPT, is_receipt, read_unsigned, seal_receipt, write_unsigned
from ecert.receipt.seen import Known, Permission, SeenLicence, Shape
from ecert.receipt.verification import ReceiptVerdict, assess_receipt

__all__ = [
    "MAX_RECEIPT",
    "CaseOf",
    "Known",
    "Permission",
    "Place",
    "Receipt",
    "ReceiptVerdict",
    "SeenLicence",
    "Shape",
    "assess_receipt",
    "is_receipt",
    "read_unsigned",
    "seal_receipt",
    "write_unsigned",
]
