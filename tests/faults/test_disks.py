"""The disk refuses at every single write of a run: first nothing is done, later nothing that was done is forgotten."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.storage.disk import Disk
from tests.e2e.shop import SHOP
from tests.faults.conftest import Record
from tests.harness import Ended, Project

LONG = bool(os.environ.get("RECONCILER_LONG"))
CALLS = ("create", "reopen", "write", "fsync", "rename", "sync_folder", "make_folder", "unlink")
CODES = {"full": errno.ENOSPC, "read-only": errno.EROFS, "broken": errno.EIO}
LINE = re.compile(r"[0-9a-f]{8} [0-9a-f]{8} ")
WHOLE = {"application": 1, "worker": 1, "namespace": 1}


Refuse = Callable[["Refusals | None"], None]


class Refusals:
    """Counts every call to the disk, and refuses the n-th: once, or from then on."""

    def __init__(self, at: int = 0, code: int = errno.EIO, *, lasting: bool = False) -> None:
        self.count = 0
        self.at = at
        self.code = code
        self.lasting = lasting

    def __call__(self) -> None:
        self.count += 1
        if self.at and (self.count == self.at or (self.lasting and self.count > self.at)):
            raise OSError(self.code, os.strerror(self.code))


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Puts refusals between the tool and the disk, or takes them away."""
    present: list[Refusals | None] = [None]
    for name in CALLS:
        monkeypatch.setattr(Disk, name, _asking(getattr(Disk, name), present))

    def put(refusals: Refusals | None) -> None:
        present[0] = refusals

    return put


def _asking(real: Any, present: list[Refusals | None]) -> Any:
    def call(self: Disk, *given: Any) -> Any:
        if present[0] is not None:
            present[0]()
        return real(self, *given)

    return call


def writes(shop: Project, since: int) -> int:
    """How many requests changed something in the account; the registry's uploads are content, and found again."""
    paths = [path for method, path in shop.requests(since) if method not in ("GET", "HEAD")]
    return sum(
        "/v2/" not in path and "/credentials" not in path and "reconciler-asks" not in path for path in paths
    )


def pushed(shop: Project, ended: Ended) -> bool:
    """Gives the recovery record that was printed, if any, to `state push`, as its user would."""
    record = "".join(line for line in ended.err.splitlines(keepends=True) if LINE.match(line))
    if record:
        path = shop.write(record, "record")
        assert shop.run("state", "push", str(path)).code == 0
    return bool(record)


def counted(shop: Project, refuse: Refuse) -> int:
    """How often a whole run calls the disk."""
    counting = Refusals()
    refuse(counting)
    shop.apply()
    refuse(None)
    assert shop.run("destroy", "--yes", "--allow", "DELETES_DATA").code == 0
    return counting.count


def is_whole(shop: Project) -> None:
    """Everything is there once, nothing is left to do, no lock lies about."""
    assert {kind: len(shop.world(kind)) for kind in WHOLE} == WHOLE
    assert shop.actions() == {}
    assert not list((shop.folder / "state").glob("*.lock"))


def is_swept(shop: Project) -> None:
    """The next write has cleared away drafts, and a journal that could not be removed."""
    assert shop.run("destroy", "--yes", "--allow", "DELETES_DATA").code == 0
    left = {path.name for path in (shop.folder / "state").iterdir()}
    assert left == {"default.json", "default.history"}, left


def check(ended: Ended, changed: int) -> None:
    """What a run that was refused says: nothing was done (1), or in part, and how to go on (4)."""
    assert ended.code in (0, 1, 4), ended
    assert "Traceback" not in ended.err
    if ended.code == 1:
        assert changed == 0, ended.err
        assert "cannot be written" in ended.err


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("how", CODES)
def test_a_disk_that_refuses_at_any_write_loses_nothing(
    shop: Project, refuse: Refuse, how: str, lasting: bool, record: Record
) -> None:
    shop.write(SHOP)
    calls = counted(shop, refuse)
    step = 1 if LONG else 5
    records = 0
    tried = range(1 + len(how) % step, calls + 1, step)
    for number in tried:
        since = shop.last_request()
        refuse(Refusals(number, CODES[how], lasting=lasting))
        ended = shop.run("apply", "--yes")
        refuse(None)
        check(ended, writes(shop, since))
        records += number % 2 == 0 and pushed(shop, ended)
        shop.apply()
        is_whole(shop)
        is_swept(shop)
    assert records or not lasting
    record(
        23,
        f"disk {how}, {'for good' if lasting else 'once'}, from each single call of an apply on",
        len(tried),
        "nothing done and said so, or all found again, half of them from the record: 0 orphans, 0 duplicates",
    )
