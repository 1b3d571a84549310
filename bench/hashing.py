"""How long a large build context takes to be known: against `sha256sum` over the same files on as many cores.

Run as `python -m bench.hashing FOLDER CACHE`, it looks at one context and prints its hash: what is measured.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench.child import Run, run
from bench.project import BenchError
from bench.stand_in import ROOT
from bench.tables import Row, Table, interleaved

FILES = 50_000
SIZE = 2 * 2**30

_IN_A_FOLDER = 100
_YOUNG_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Context:
    """The files, and what it took to hash them."""

    folder: Path
    cache: Path
    first: list[Run] = field(default_factory=list)
    second: list[Run] = field(default_factory=list)
    sha256sum: list[Run] = field(default_factory=list)

    def look_first(self) -> None:
        """Our hash, with nothing known."""
        shutil.rmtree(self.cache, ignore_errors=True)
        self.first.append(self._look())

    def look_again(self) -> None:
        """Our hash of what has not changed."""
        self.second.append(self._look())
        if self.second[-1].out != self.first[-1].out:
            raise BenchError("the same files have another hash")

    def sum_up(self) -> None:
        """`sha256sum`, as many at once as there are cores."""
        cores = len(os.sched_getaffinity(0))
        script = f"find {self.folder} -type f -print0 | xargs -0 -n 500 -P {cores} sha256sum"
        self.sha256sum.append(run(["sh", "-c", f"{script} > /dev/null"], cwd=ROOT, env=os.environ))

    def _look(self) -> Run:
        command = [sys.executable, "-m", "bench.hashing", str(self.folder), str(self.cache)]
        ended = run(command, cwd=ROOT, env=os.environ)
        if ended.code:
            raise BenchError(f"the context could not be hashed:\n{ended.err[-2000:]}")
        return ended


def measure(rounds: int) -> Table:
    """The table of contexts; the files are read once before, so that all find them in memory."""
    context = Context(ROOT / ".bench" / "context", ROOT / ".bench" / "cache")
    _write(context.folder)
    context.sum_up()
    context.sha256sum.clear()
    interleaved([context.look_first, context.look_again, context.sum_up], rounds)
    first, second, summed = (
        [one.wall for one in runs] for runs in (context.first, context.second, context.sha256sum)
    )
    rows = [
        Row("first look", first, "s"),
        Row("sha256sum", summed, "s"),
        Row("first look against sha256sum", [a / b for a, b in zip(first, summed, strict=True)], "x", 1.3),
        Row("second look, nothing changed", second, "s", 1.0),
        Row("first look: CPU", [one.cpu for one in context.first], "s"),
        Row("sha256sum: CPU", [one.cpu for one in context.sha256sum], "s"),
        Row("first look: memory", [one.rss_mib for one in context.first], "MiB"),
    ]
    note = f"{FILES:,} files of 1 to 200 KiB, 2 GiB in all; each look is a process of its own, its start included."
    return Table("Hashing a large build context", rows, [note])


def _write(folder: Path) -> None:
    """The same files every time; those that are there already stay."""
    if (folder / "Dockerfile").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    random = Random(1)
    weights = [random.lognormvariate(0, 1) for _ in range(FILES)]
    scale = SIZE / sum(weights)
    content = random.randbytes(2**20)
    for number, weight in enumerate(weights):
        _write_one(folder, number, int(weight * scale), content)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    time.sleep(_YOUNG_SECONDS)


def _write_one(folder: Path, number: int, size: int, content: bytes) -> None:
    path = folder / f"package-{number // _IN_A_FOLDER}" / f"module-{number}.js"
    if number % _IN_A_FOLDER == 0:
        path.parent.mkdir(parents=True)
    head = f"// {number}\n".encode()
    whole, rest = divmod(size, len(content))
    path.write_bytes(head + content * whole + content[:rest])


def _print_hash(folder: Path, cache: Path) -> None:
    from reconciler.clients.build_context import look_at_context
    from reconciler.clients.build_recipe import BuildRecipe

    print(look_at_context(BuildRecipe.read({}, folder), cache_dir=cache).inputs.hash)


if __name__ == "__main__":
    _print_hash(Path(sys.argv[1]), Path(sys.argv[2]))
