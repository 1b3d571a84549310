from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import PlanError, RefusedError, StalePlanError
from reconciler.model import plan as plans
from reconciler.model.value import Secret, Unknown
from reconciler.storage import plan_file
from reconciler.storage.disk import Disk
from reconciler.storage.plan_file import is_expired, load_plan, plan_hash, refuse_expired, save_plan
from tests.storage import samples


def test_a_saved_plan_is_the_plan(tmp_path: Path) -> None:
    save_plan(samples.plan(), tmp_path / "p.json")
    assert load_plan(tmp_path / "p.json") == samples.plan()
    assert (tmp_path / "p.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


def test_a_secret_in_a_plan_leaves_only_its_fingerprint(tmp_path: Path) -> None:
    secret = Secret("k:01", lambda: "hunter2")
    drift = plans.PlannedDrift("secret.db", "value", secret, {"deep": [secret]}, "keep", sensitive=True)
    save_plan(samples.plan(drift=(drift,)), tmp_path / "p.json")
    assert b"hunter2" not in (tmp_path / "p.json").read_bytes()
    assert load_plan(tmp_path / "p.json").drift[0].recorded == {"$secret": "k:01"}


def test_what_is_not_known_does_not_get_into_a_plan_as_a_value(tmp_path: Path) -> None:
    output = plans.PlannedOutput(after=Unknown(samples.API))
    with pytest.raises(Exception, match="bug in reconciler"):
        save_plan(samples.plan(outputs={"url": output}), tmp_path / "p.json")
    assert list(tmp_path.iterdir()) == []


def spoil(tmp_path: Path, **edit: Any) -> Path:
    save_plan(samples.plan(), tmp_path / "p.json")
    document = json.loads((tmp_path / "p.json").read_text()) | edit
    (tmp_path / "p.json").write_text(json.dumps(document))
    return tmp_path / "p.json"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"changes": [{"address": 1}]}, r"changes\[0\]"),
        ({"state": {}}, r"missing required field `lineage`"),
        ({"project": None}, r"\$\.project"),
    ],
)
def test_a_plan_is_checked(tmp_path: Path, edit: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError, match=f"is no saved plan: .*{said}"):
        load_plan(spoil(tmp_path, **edit))


def test_a_later_minor_format_is_read_and_a_later_major_refused(tmp_path: Path) -> None:
    assert load_plan(spoil(tmp_path, format_version="1.9", surprise=1)).format_version == "1.9"
    for other in ("2.0", "0.9", "10.0"):
        with pytest.raises(RefusedError, match=f"has format {other}") as refused:
            load_plan(spoil(tmp_path, format_version=other, changes="anything"))
        assert refused.value.exit_code == 3


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"\xff\xfe", b"[" * 100_000, b"version: 1\n"])
def test_what_is_no_plan_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(PlanError, match="is no saved plan"):
        load_plan(tmp_path / "p")


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PlanError, match="there is no file"):
        load_plan(tmp_path / "none")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(PlanError, match="cannot be read"):
            load_plan(path)
        with pytest.raises(PlanError, match="is no regular file"):
            save_plan(samples.plan(), path)


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_file, "MAX_BYTES", 1000)
    save_plan(samples.plan(), tmp_path / "p")
    with pytest.raises(PlanError, match="larger than"):
        load_plan(tmp_path / "p")


def test_a_plan_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    class Full(Disk):
        def fsync(self, descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    save_plan(samples.plan(), tmp_path / "p")
    with pytest.raises(PlanError, match=r"cannot be written.*No space"):
        save_plan(samples.plan(project="blog"), tmp_path / "p", Full())
    assert load_plan(tmp_path / "p").project == "shop"
    with pytest.raises(PlanError, match="cannot be written"):
        save_plan(samples.plan(), tmp_path / "no" / "folder" / "p")


def test_a_hash_names_the_very_plan() -> None:
    assert plan_hash(samples.plan()) == plan_hash(samples.plan())
    assert len(plan_hash(samples.plan())) == 12
    turned = samples.plan(outputs=dict(reversed(samples.plan().outputs.items())))
    assert plan_hash(turned) == plan_hash(samples.plan())
    assert plan_hash(samples.plan(project="blog")) != plan_hash(samples.plan())


def test_a_hash_survives_saving(tmp_path: Path) -> None:
    save_plan(samples.plan(), tmp_path / "p")
    assert plan_hash(load_plan(tmp_path / "p")) == plan_hash(samples.plan())


END = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expires_at", "now", "over"),
    [
        ("2026-11-27T10:00:00Z", END - timedelta(seconds=1), False),
        ("2026-11-27T10:00:00Z", END, True),
        ("2026-11-27T12:00:00+02:00", END, True),
        ("2026-11-27T10:00:00", END - timedelta(seconds=1), False),
        ("", END, False),
    ],
)
def test_a_plan_expires(expires_at: str, now: datetime, over: bool) -> None:
    assert is_expired(samples.plan(expires_at=expires_at), now) is over


def test_an_expired_plan_is_refused() -> None:
    refuse_expired(samples.plan(), END - timedelta(days=1))
    with pytest.raises(StalePlanError, match="expired at 2026-11-27") as refused:
        refuse_expired(samples.plan(), END)
    assert refused.value.exit_code == 3
    with pytest.raises(PlanError, match="is no time"):
        is_expired(samples.plan(expires_at="soon"), END)
