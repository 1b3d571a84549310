"""`make demo` does the whole job in a folder of its own, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_plans_applies_and_has_nothing_left_to_do(tmp_path: Path) -> None:
    before = sorted((ROOT / "examples" / "quickstart").rglob("*"))
    ended = subprocess.run(
        [sys.executable, ROOT / "examples" / "demo.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("$ reconciler ") == 4
    assert "quickstart: no changes" in ended.stdout
    assert "registry.cloudflare.com/" in ended.stdout
    assert sorted((ROOT / "examples" / "quickstart").rglob("*")) == before
    assert list(tmp_path.iterdir()) == []
