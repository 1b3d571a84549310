"""A megabyte of YAML that was written to hurt: answered with a sentence, in bounded time and memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import Record

HEAD = "version: 1\nproject: shop\n"
MEGABYTE = 1_000_000
BOMBS = {
    "aliases of aliases": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 60)),
    "aliases of a long text": f"a: &a {'x' * 400_000}\nb: [{'*a, ' * 100_000}]\n",
    "aliases of a wide map": "a: &a {" + ",".join(f"k{n}: 1" for n in range(40_000)) + "}\nb: [" + "*a," * 100_000 + "]",
    "merges that multiply": "a: &a {" + ",".join(f"k{n}: 1" for n in range(40_000)) + "}\nb: {<<: [" + "*a," * 100_000 + "]}",
    "brackets": "x: " + "[" * 900_000,
    "braces": "x: " + "{a: " * 240_000,
    "deep blocks": "".join(" " * n + "a:\n" for n in range(1_380)),
    "open references": HEAD + 'outputs: {a: "' + "${" * 450_000 + '"}',
    "fallbacks": HEAD + 'outputs: {a: "' + "${env.A:-" * 90_000 + "}" * 90_000 + '"}',
    "equal keys": "k: 1\n" * 190_000,
    "unknown keys": HEAD + "".join(f"key{n}: 1\n" for n in range(80_000)),
    "wrong members": HEAD + "applications: {a: {image: 'x:1', command: [" + "[]," * 320_000 + "]}}",
    "anchors": "a: [" + "".join(f"&a{n} 1," for n in range(90_000)) + "]",
    "a long word": HEAD + f"naming: {'a-' * 480_000}",
    "many errors": HEAD + "applications:\n" + "".join(f"  a{n}: {{image: 1, x: y}}\n" for n in range(32_000)),
    "block scalars": HEAD + "outputs:\n  a: |\n" + "    x\n" * 160_000,
    "comments": HEAD + "# x\n" * 240_000,
    "quotes": HEAD + 'outputs: {a: "' + "\\u0041" * 160_000 + '"}',
    "tags": "x: [" + "!a b," * 190_000 + "]",
}  # fmt: skip


def validated(folder: Path, text: str) -> tuple[subprocess.CompletedProcess[str], float, int]:
    """`validate` as a process: what it says, its own seconds of work, and the most memory in MB."""
    (folder / "containers.yaml").write_text(text[:MEGABYTE])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", MEASURED]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return ended, seconds, int(ended.stderr.rsplit("peak ", 1)[1]) // 1024


MEASURED = """
import gc, sys
from reconciler.cli.main import run
gc.disable()
code = run(["validate"])
# The resource module would count what the process had that started this one.
print("peak", open("/proc/self/status").read().split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_megabyte_that_was_written_to_hurt(tmp_path: Path, bomb: str, record: Record) -> None:
    ended, seconds, megabytes = validated(tmp_path, BOMBS[bomb])
    assert ended.returncode in (0, 1)
    assert "Traceback" not in ended.stderr
    assert megabytes < 200
    said = "{:.1f} s and less than 200 MB at most, by the process's own clock"
    record(
        26,
        "a megabyte of YAML that was written to hurt, one kind after another",
        1,
        said,
        worst=round(seconds, 2),
        missed="" if seconds <= 1 else f"{bomb}: a third of a second for each 100,000 values",
    )
