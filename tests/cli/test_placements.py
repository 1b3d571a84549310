from __future__ import annotations

import pytest

from tests.cli.running_shop import BROKEN, lines
from tests.harness import Project


def test_everything_that_runs_is_listed_with_its_last_event(running: Project) -> None:
    heads, *rows = lines(running.run("placements").out)
    assert heads == ["OF", "STATE", "VERSION", "LOCATION", "SINCE", "LAST", "EVENT"]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("application.api", "running", "DurableObjectConnected"),
        ("application.api", "running", "DurableObjectConnected"),
        ("application.web", "running", "ContainerStarted"),
        ("deployment.proxy", "running", "ContainerStarted"),
    ]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("web", ["application.web"]),
        ("application.api", ["application.api", "application.api"]),
        ("proxy", ["deployment.proxy"]),
        ("deployments.proxy", ["deployment.proxy"]),
    ],
)
def test_one_may_be_named(running: Project, named: str, found: list[str]) -> None:
    document = running.run("placements", named, "--json").document
    assert [one["address"] for one in document["placements"]] == found


def test_an_unknown_name_is_said(running: Project) -> None:
    ended = running.run("placements", "nowhere")
    assert (ended.code, ended.out) == (1, "")
    assert "application.nowhere is not in the state" in ended.err


def test_all_events_are_shown_where_asked_for(running: Project) -> None:
    out = running.run("placements", "proxy", "--events").out
    head, identity, *events = out.splitlines()
    assert head.startswith("deployment.proxy  running  version 0  ams02  since ")
    assert identity.split() == [running.run("placements", "proxy", "--json").document["placements"][0]["id"]]
    assert [line.split()[-1] for line in events][0::4] == ["SchedulerPlaced", "ContainerStarted"]


def test_earlier_placements_are_shown_where_asked_for(running: Project) -> None:
    [deployment] = running.world("deployment")
    running.by_hand("PATCH", f"containers/deployments/{deployment['id']}/v2", {"command": ["other"]})
    running.clock(advance=10)
    assert len(lines(running.run("placements", "proxy").out)) == 2
    _, earlier, now = lines(running.run("placements", "proxy", "--all").out)
    assert (earlier[1:4], now[1:3]) == (["running", "(earlier)", "0"], ["running", "1"])


def test_what_is_gone_is_placed_nowhere(running: Project) -> None:
    [deployment] = running.world("deployment")
    running.by_hand("DELETE", f"containers/deployments/{deployment['id']}/v2")
    assert running.run("placements", "proxy").out == "nothing is placed anywhere\n"


def test_a_placement_that_is_gone_meanwhile_is_told_without_events(running: Project) -> None:
    running.faults({"path": "/placements/", "fault": {"status": 404}, "times": 0})
    [row] = running.run("placements", "web", "--json").document["placements"]
    assert (row["state"], row["events"]) == ("running", [])


def test_a_broken_manifest_does_not_stop_it(running: Project) -> None:
    running.write(BROKEN)
    assert len(lines(running.run("placements").out)) == 5
