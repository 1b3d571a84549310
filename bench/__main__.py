"""`make bench`: measures everything, or the named tables only, and prints what came of it."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench import applying, copying, deep, hashing, makespan, noop, page, rendering, starting, terraform
from bench.tables import Table, as_markdown, as_text

MEASURES: Mapping[str, Callable[[int], Table | None]] = {
    "starting": starting.measure,
    "noop": noop.measure,
    "rendering": rendering.measure,
    "applying": applying.measure,
    "deep": deep.measure,
    "makespan": makespan.measure,
    "copying": copying.measure,
    "hashing": hashing.measure,
    "page": page.measure,
    "terraform": terraform.measure,
}


def main() -> int:
    """Measures and prints; 1 if a bar is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "tables", nargs="*", choices=[*MEASURES, []], help="which tables; all if none is named"
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, interleaved [3]")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file, too")
    chosen = parser.parse_args()
    print(f"{machine()}; {chosen.rounds} rounds\n", flush=True)
    tables = []
    for name in chosen.tables or MEASURES:
        table = MEASURES[name](chosen.rounds)
        print(as_text(table) if table else f"{name}: skipped, what it takes is not on PATH\n", flush=True)
        tables += [table] if table else []
    if chosen.markdown:
        chosen.markdown.write_text("\n".join(map(as_markdown, tables)))
    return int(any(row.is_over for table in tables for row in table.rows))


def machine() -> str:
    """What these figures were measured on, and when."""
    return f"{_processor()}, Python {platform.python_version()}, {platform.system()}, {datetime.now(UTC):%Y-%m-%d}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
