"""`python -m api`."""

from api.cli import app
from ecert.cli.entry import run

run(app)
