"""The service killed again and again during a batch. `scripts/kill_batch` sets up and calls this."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import asdict, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from api.access.principals import Role
from tests import postgres
from tests.api.batches.killing import Outcome, kill_again_and_again
from tests.api.office import Region
from tests.api.province import Provinces


def main() -> None:
    """Kill, and print the table."""
    parser = argparse.ArgumentParser(description="批次进行中反复杀掉服务 Kill the service during a batch.")
    parser.add_argument("--rows", type=int, default=20_000, help="表格行数 Rows of the table")
    parser.add_argument("--kills", type=int, default=32, help="杀掉多少次 How often")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="随机点的种子 Seed of the points")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append", help="哪种数据库 Which")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    print("\t".join(("database", *(field.name for field in fields(Outcome)), "whole")), flush=True)
    whole = [_run(name, options) for name in options.database or ("sqlite", "postgresql")]
    sys.exit(0 if all(whole) else 1)


def _run(name: str, options: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as folder, _server(name) as server:
        region = Region(Provinces(Path(folder), server=server))
        region.add_system(Role.ISSUER_CLERK.value, Role.ISSUER_CLERK, rate=1_000_000)
        outcome = kill_again_and_again(region, Path(folder), rows=options.rows, kills=options.kills, seed=options.seed)
    values = (f"{one:.0f}" if isinstance(one, float) else json.dumps(one) for one in asdict(outcome).values())
    print("\t".join((name, *values, "yes" if outcome.whole else "NO")), flush=True)
    return outcome.whole


def _server(name: str) -> nullcontext[None] | object:
    return postgres.serve() if name == "postgresql" else nullcontext()


if __name__ == "__main__":
    main()
