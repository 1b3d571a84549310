from __future__ import annotations

import pytest

from reconciler.render.account import AccountReport, Amount, Consumer, Limit, account_text


def report(*consumers: Consumer, manifest: Amount = 1.5, total: Amount = 1500) -> AccountReport:
    limit = Limit("vCPU", "", 0.0625, 4, total, manifest)
    return AccountReport("abc", (limit,), None, (), consumers, "")


@pytest.mark.parametrize(
    ("manifest", "total", "shown"),
    [
        (1.5, 1500, "1.5 (0.1 %)"),
        (0, 1500, "0 (0 %)"),
        (3000, 1500, "3 000 (200 %) TOO MUCH"),
        (None, 1500, "not known"),
        (2, None, "2"),
    ],
)
def test_use_is_held_against_the_limit(manifest: Amount, total: Amount, shown: str) -> None:
    assert account_text(report(manifest=manifest, total=total)).splitlines()[2].endswith(f"  {shown}")


def test_what_is_not_known_is_said() -> None:
    text = account_text(report(Consumer("application.a", None, None, None, None)))
    assert "application.a  not known  not known" in text
    assert text.endswith("What is not known is not in the totals.\n")


def test_instances_count_with_their_size() -> None:
    assert Consumer("a", 3, 0.5, 4096, 8000).total == (1.5, 12288, 24000)
    assert Consumer("a", 0, 0.5, 4096, 8000).total == (0, 0, 0)
    assert Consumer("a", 3, 0.5, None, 8000).total is None
