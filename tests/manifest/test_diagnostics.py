"""Every code has a line in the documentation, and every line a code."""

from __future__ import annotations

import re
from pathlib import Path

import reconciler.manifest

ROOM = Path(reconciler.manifest.__file__).parent
PAGE = ROOM.parent.parent / "docs" / "diagnostics.md"


def test_the_page_lists_exactly_the_codes_that_are_used() -> None:
    used = {code for file in ROOM.glob("*.py") for code in re.findall(r'"([EW]\d{3})"', file.read_text())}
    listed = re.findall(r"^\| ([EW]\d{3}) \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(used)
    assert len(listed) == len(set(listed))
