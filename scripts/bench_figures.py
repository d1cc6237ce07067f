"""How figures are measured and shown, for every part of the benchmark."""

from __future__ import annotations

import platform
import re
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecert.sm2 import secret_engine, verify_engine

sys.path.insert(0, str(Path(__file__).parents[1]))  # the parts use the tests' small country

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3


def rate(action: Callable[[], object], seconds: float, inner: int = 1) -> float:
    """Return how often `action` runs in a second of CPU time; a quick one `inner` times between looks at the clock."""
    count, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        for _ in range(inner):
            action()
        count += inner
    return count / spent


def per_second(action: Callable[[], object], seconds: float, inner: int = 1) -> float:
    """Return how often `action` runs in a second of CPU time: the median over rounds; `inner` as for `rate`."""
    action()
    return statistics.median(rate(action, seconds / ROUNDS, inner) for _ in range(ROUNDS))


def figure(name: str, value: float, unit: str, against: str, other: float | None) -> dict[str, Any]:
    """Return one figure; `ratio` is value by the other's, or null where there is nothing to compare."""
    ratio = round(value / other, 3) if other else None
    return {"name": name, "value": round(value, 1), "unit": unit, "against": against, "ratio": ratio}


def machine() -> dict[str, Any]:
    """Say what was measured on."""
    try:
        model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text("ascii", "replace"))
    except OSError:
        model = None
    return {
        "platform": platform.platform(),
        "processor": model[1] if model else platform.machine(),
        "python": platform.python_version(),
        "engine_secret": secret_engine().version,
        "engine_verify": verify_engine().version,
    }


def show(result: dict[str, Any]) -> None:
    """Print the figures for a person."""
    for row in result["figures"]:
        compared = f"{row['ratio']:>9.3f} × {row['against']}" if row["ratio"] is not None else ""
        print(f"{row['name']:34} {row['value']:>14,.1f} {row['unit']:4} {compared}")
    print("\n".join(f"{name}: {value}" for name, value in result["machine"].items()))
