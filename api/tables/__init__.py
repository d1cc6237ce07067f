"""Tables that departments hand in: CSV, XLSX and NDJSON of up to a million rows, read in bounded memory.

table = open_table(file)                       # what it is, by its content: form, encoding, heading
for row in table.rows:                         # one row at a time; a bad row stops no other
    outcome = check_row(row, definition)       # an Application, or every problem with it
"""

from api.tables.checking import check_columns, check_row
from api.tables.error_report import ErrorReport, RowErrors
from api.tables.opening import open_table
from api.tables.papers import part_serial
from api.tables.rows import Entry, Form, Limits, Row, Table

__all__ = [
    "Entry",
    "ErrorReport",
    "Form",
    "Limits",
    "Row",
    "RowErrors",
    "Table",
    "check_columns",
    "check_row",
    "open_table",
    "part_serial",
]
