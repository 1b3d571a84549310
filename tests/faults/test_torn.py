"""Killed while it writes: what was safe is read again, and a state is never empty or in pieces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.test_one_writer import Told, anywhere, keys
from tests.storage.conftest import bucket_url, database, state_server

__all__ = ["anywhere", "bucket_url", "database", "keys", "state_server"]

LONG = bool(os.environ.get("RECONCILER_LONG"))
KILLS = {"local": 8_500, "s3": 500, "postgres": 500, "http": 500}
LONGEST = {"local": 0.03, "s3": 0.3, "postgres": 0.3, "http": 0.3}
"""Seconds after which a writer is killed at the latest."""


@pytest.mark.timeout(3600)
def test_killed_while_it_writes(anywhere: Told, tmp_path: Path, record: Record) -> None:
    backend = anywhere["backend"]
    kills = KILLS[backend] if LONG else KILLS[backend] // 50
    place = {**anywhere, "folder": str(tmp_path / "states" / "state")}
    command = [sys.executable, "-m", "tests.faults.writer", json.dumps(place), str(kills)]
    ended = subprocess.run([*command, str(LONGEST[backend]), "1"], capture_output=True, text=True, check=True)
    verdicts = json.loads(ended.stdout)
    assert set(verdicts) <= {"whole", "killed before anything was safe"}, verdicts
    assert verdicts["whole"] > kills / 2
    where = {"local": "a folder"}.get(backend, "a bucket, PostgreSQL or a state server")
    record(
        2,
        f"SIGKILL at random times of a writer, at {where}",
        kills,
        "0 unreadable, 0 empty; all that was safe is read",
    )
