"""`python -m verifier`."""

from ecert.cli.entry import run
from verifier.cli import app

run(app)
