"""From an application to a sealed licence.

prepare: does the application fit its type and its issuer? Set its page, where a file is asked for
-> draft: build both records, encode, decode back, compare
-> ledger.intend(what will be signed), before the key is touched
-> sign both records, each verified with the public key before it leaves
-> make the licence's file: the code on its page, the record in it, the seal
-> ledger.complete(the sealed bytes, all of them at once)
"""

from ecert.issuance.drafting import Draft, Prepared, draft, prepare
from ecert.issuance.fields import ASSOCIATED, EXTENSION, LicenceFiles, printed_name, record_fields, require_page
from ecert.issuance.sealing import SealedLicence, find_parents, issue, issue_all

__all__ = [
    "ASSOCIATED",
    "EXTENSION",
    "Draft",
    "LicenceFiles",
    "Prepared",
    "SealedLicence",
    "draft",
    "find_parents",
    "issue",
    "issue_all",
    "prepare",
    "printed_name",
    "record_fields",
    "require_page",
]
