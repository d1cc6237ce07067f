"""The benchmark. `scripts/bench [speed|sm2|growth|compared|verify|revocation|tables|service|window]` calls this."""

from __future__ import annotations

import argparse
import json

from bench_figures import machine, show


def main() -> None:
    """Measure one part and print it."""
    parser = argparse.ArgumentParser(description="性能 What is how fast, and how large.")
    parser.add_argument(
        "part",
        nargs="?",
        choices=("speed", "sm2", "growth", "compared", "verify", "revocation", "tables", "service", "window"),
        default="speed",
        help="测哪一部分 Which part",
    )
    parser.add_argument("--json", action="store_true", help="输出一个 JSON 对象 Print one JSON object")
    parser.add_argument("--seconds", type=float, default=2.0, help="每项秒数 Seconds for each figure")
    parser.add_argument(
        "--revocations", type=int, default=1000, help="传播测多少次吊销，0 不测 Revocations propagated; 0: none"
    )
    options = parser.parse_args()
    if options.part == "speed":
        from bench_speed import measure  # noqa: PLC0415  (each part loads only what it needs)

        figures = measure(options.seconds)
    elif options.part == "sm2":
        from bench_sm2 import measure_sm2  # noqa: PLC0415

        figures = measure_sm2(options.seconds)
    elif options.part == "growth":
        from bench_growth import measure_growth  # noqa: PLC0415

        figures = measure_growth(options.seconds)
    elif options.part == "compared":
        from bench_compared import measure_compared  # noqa: PLC0415

        figures = measure_compared(options.seconds)
    elif options.part == "verify":
        from bench_verify import measure_verify  # noqa: PLC0415

        figures = measure_verify(options.seconds)
    elif options.part == "tables":
        from bench_tables import measure_tables  # noqa: PLC0415

        figures = measure_tables()
    elif options.part == "service":
        from bench_service import measure_service  # noqa: PLC0415

        figures = measure_service(options.seconds)
    elif options.part == "window":
        from bench_window import measure_window  # noqa: PLC0415

        figures = measure_window(options.seconds)
    else:
        from bench_revocation import measure_revocation  # noqa: PLC0415

        figures = measure_revocation(options.seconds, options.revocations)
    result = {"figures": figures, "machine": machine()}
    if options.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        show(result)


if __name__ == "__main__":
    main()
