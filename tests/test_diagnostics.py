"""Every code that a finding can have has one line in the documentation, and every line a code."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import reconciler

SOURCE = Path(reconciler.__file__).parent
DOCS = SOURCE.parent / "docs"
PAGES = [DOCS / "diagnostics.md", DOCS / "check.md"]
CODE = re.compile(r"[A-Z]\d{3}")
ROW = re.compile(r"^\| ([A-Z]\d{3}) \| ([^|]+) \| ([^|]+) \|", re.MULTILINE)


def codes(tree: ast.Module) -> Iterator[str]:
    """Texts that are a code and nothing else."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value


def used() -> set[str]:
    """The codes in the source; the emulator has none of its own."""
    files = [file for file in SOURCE.rglob("*.py") if "emulator" not in file.relative_to(SOURCE).parts]
    return {code for file in files for code in codes(ast.parse(file.read_text()))}


def test_the_pages_list_exactly_the_codes_that_are_used() -> None:
    listed = Counter(row[0] for page in PAGES for row in ROW.findall(page.read_text()))
    assert sorted(listed) == sorted(used())
    assert [code for code, times in listed.items() if times > 1] == []


def test_every_code_has_a_meaning_and_a_way_out() -> None:
    for page in PAGES:
        lines = [line for line in page.read_text().splitlines() if re.match(r"\| [A-Z]\d{3} \|", line)]
        rows = ROW.findall(page.read_text())
        assert len(rows) == len(lines)
        assert [code for code, meaning, fix in rows if len(meaning.split()) < 3 or not fix.strip()] == []
