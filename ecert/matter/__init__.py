"""Accepting matters without paper (免证办): what a matter asks for, how each material is settled, acceptance."""

from ecert.matter.acceptance import (
    Acceptance,
    Due,
    Handover,
    accept,
    needed,
    overdue,
    receipt_of,
    require_complete,
    require_taken,
)
from ecert.matter.case import Case, Declared, Identified, Person, Reference, Shown
from ecert.matter.definition import Department, Exclusion, Material, Matter, Matters
from ecert.matter.licences import asked_fields, needed_fields
from ecert.matter.numbers import AcceptanceNumber
from ecert.matter.report import acceptance_json, case_json, resolution_json, spared_json
from ecert.matter.resolution import Hindrance, Resolution, resolve
from ecert.matter.statistics import Count, Spared, tally
from ecert.matter.ways import ByLicence, Settled, Whose
from ecert.matter.words import Notice, Obstacle

__all__ = [
    "Acceptance",
    "AcceptanceNumber",
    "ByLicence",
    "Case",
    "Count",
    "Declared",
    "Department",
    "Due",
    "Exclusion",
    "Handover",
    "Hindrance",
    "Identified",
    "Material",
    "Matter",
    "Matters",
    "Notice",
    "Obstacle",
    "Person",
    "Reference",
    "Resolution",
    "Settled",
    "Shown",
    "Spared",
    "Whose",
    "accept",
    "acceptance_json",
    "asked_fields",
    "case_json",
    "needed",
    "needed_fields",
    "overdue",
    "receipt_of",
    "require_complete",
    "require_taken",
    "resolution_json",
    "resolve",
    "spared_json",
    "tally",
]
