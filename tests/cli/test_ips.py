from __future__ import annotations

import pytest

from reconciler.cli.ips import addresses_in
from tests.cli.running_shop import BROKEN, lines
from tests.harness import Project


def test_addresses_are_listed_with_who_has_them(running: Project) -> None:
    heads, *rows = lines(running.run("ips").out)
    assert heads == ["ADDRESS", "TYPE", "HELD", "BY", "PORTS", "UNTIL"]
    assert [(row[0].rpartition("/")[2], *row[1:3]) for row in rows] == [
        ("32", "v4", "deployment.proxy"),
        ("128", "v6", "deployment.proxy"),
    ]


@pytest.mark.parametrize(
    ("args", "types"),
    [
        (("--type", "v4"), ["v4"]),
        (("--allocated",), ["v4", "v6"]),
        (("--free",), []),
    ],
)
def test_they_are_chosen_by_type_and_use(running: Project, args: tuple[str, ...], types: list[str]) -> None:
    assert [one["type"] for one in running.run("ips", "--json", *args).document["ips"]] == types


def test_where_there_are_none_that_is_said(running: Project) -> None:
    assert running.run("ips", "--free").out == "there are no such addresses\n"


@pytest.mark.parametrize("text", [BROKEN, None, "\0"])
def test_without_state_and_manifest_the_account_is_enough(running: Project, text: str | None) -> None:
    (running.folder / "state").rename(running.folder / "elsewhere")
    running.write(text or "")
    if text is None:
        (running.folder / "containers.yaml").unlink()
    _, row, _ = lines(running.run("ips").out)
    assert row[2] == "deployment"


def test_a_memory_that_cannot_be_read_is_said(running: Project) -> None:
    (running.folder / "state" / "default.json").write_text("{")
    ended = running.run("ips")
    assert (ended.code, "which resources have them is not known" in ended.err) == (0, True)


def test_an_account_that_is_shown_no_addresses_is_told_so(running: Project) -> None:
    running.settings(refuse=["ips"])
    ended = running.run("ips")
    assert (ended.code, ended.out) == (1, "")
    assert "not open to every account" in ended.err


def test_what_the_service_says_of_an_address_is_kept() -> None:
    answer = {
        "ips": [
            {
                "ip": "203.0.113.9",
                "subnetMask": 32,
                "allocation": {"placementID": "p", "expiration": 1795000000},
                "portRanges": [{"start": 80, "end": 90, "allocation": {"deploymentID": "d"}}],
            },
            {"ip": "2001:db8::1", "subnetMask": 128},
        ]
    }
    held, free = addresses_in(answer, [])
    assert (held.type, held.placement, held.until, held.allocated) == (
        "v4",
        "p",
        "2026-11-18T11:06:40Z",
        True,
    )
    assert (held.ports[0].start, held.ports[0].deployment) == (80, "d")
    assert (free.type, free.allocated, free.until) == ("v6", False, "")
