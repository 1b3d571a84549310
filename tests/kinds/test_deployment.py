from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.emulator.server import LocalServer
from reconciler.engine.recover import recover
from reconciler.kinds.deployment.bodies import is_placed, modify_body, observed, why_queued
from reconciler.kinds.deployment.handler import DeploymentHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, AttributeChange, Change
from reconciler.model.event import StepBegun
from reconciler.model.handler import Look, Moving, Stuck, Subject
from reconciler.model.resource import Desired, Pending, Prior
from reconciler.model.state import State
from tests.kinds.emulated import Emulated, bind, emulated
from tests.kinds.kind_bench import ACCOUNT

EDGE = ResourceAddress("deployment", "edge")
IMAGE = f"registry.cloudflare.com/{ACCOUNT}/shop:1"
LABEL = {"name": "reconciler-operation", "value": "op-1"}


@pytest.fixture
def cloud(shared_emulator: LocalServer) -> Iterator[Emulated]:
    with emulated(shared_emulator, DeploymentHandler) as made:
        made.drive("PUT", "settings", {"missing_images": "accept"})
        yield made
        made.drive("PUT", "settings", {"missing_images": "refuse"})


def document(**fields: Any) -> dict[str, Any]:
    return {"id": "d", "location": {"name": "sfo06"}, "image": IMAGE, "instance_type": "lite", **fields}


def changing(seen: dict[str, Any], wanted: dict[str, Any], *paths: tuple[str, ...]) -> Change:
    differing = tuple(AttributeChange(path, 1, 2) for path in paths)
    return Change(
        EDGE, Action.UPDATE, Desired(EDGE, wanted), None, observed(seen), wanted, attributes=differing
    )


@pytest.mark.parametrize(
    ("written", "logs"),
    [({}, False), ({"enabled": True}, True), ({"enabled": True, "logs": {"enabled": False}}, False)],
)
def test_logs_are_always_said(written: dict[str, Any], logs: bool) -> None:
    block = {"image": IMAGE, "location": "sfo06", **({"observability": written} if written else {})}
    bound, errors = bind(DeploymentHandler(), block)
    assert (errors, bound.attributes["observability"]) == ([], {"logs": {"enabled": logs}})


def test_what_others_set_beside_ours_survives_a_change() -> None:
    seen = document(environment_variables=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
    body = modify_body(
        changing(seen, {"environment_variables": {"A": "9"}}, ("environment_variables", "A")), "op"
    )
    assert body == {
        "environment_variables": [{"name": "A", "value": "9"}, {"name": "B", "value": "2"}],
    }


def test_our_label_survives_a_change_of_labels_and_is_not_shown() -> None:
    seen = document(labels=[LABEL, {"name": "team", "value": "a"}])
    assert observed(seen).attributes["labels"] == {"team": "a"}
    body = modify_body(changing(seen, {"labels": {"team": "b"}}, ("labels", "team")), "op-2")
    assert body == {"labels": [{"name": "team", "value": "b"}, LABEL]}


def test_what_the_service_does_not_give_back_is_what_was_sent() -> None:
    known = {"network": {"mode": "public", "assign_ipv4": "account"}, "ports": {"web": {"port": 1}}}
    subject = Subject(EDGE, "", "d", prior=Prior(EDGE, "d", attributes=known))
    seen = observed(document(network={"mode": "private", "ipv4": "203.0.113.1"}), subject)
    assert seen.attributes["network"] == {"mode": "private", "assign_ipv4": "account"}
    assert (seen.attributes["ports"], seen.outputs["ipv4"]) == ({"web": {"port": 1}}, "203.0.113.1")


@pytest.mark.parametrize(
    ("state", "health", "placed"),
    [("scheduled", "running", False), ("placed", "placed", False), ("placed", "running", True)],
)
def test_it_is_placed_once_its_container_is_up(state: str, health: str, placed: bool) -> None:
    now = document(state={"current": state}, current_placement={"status": {"health": health}})
    assert is_placed(now) is placed


def test_what_is_short_is_told() -> None:
    details = {"cpu": "location_overprovisioned"}
    waiting = document(state={"current": "scheduled", "queued_details": details})
    assert why_queued(waiting) == "waits for a place (cpu: location_overprovisioned)"
    assert "starts" in why_queued(document(state={"current": "placed"}))


def test_waiting_has_an_end(cloud: Emulated) -> None:
    now = [0.0]
    handler = DeploymentHandler(cloud.api, clock=lambda: now[0])
    pending = Pending(EDGE, "placement", {"deployment": "nobody"}, "")
    assert isinstance(handler.settle([pending])[EDGE], Moving)
    now[0] = 601.0
    standing = handler.settle([pending])[EDGE]
    assert isinstance(standing, Stuck)
    assert standing.end == "timeout"


def test_one_that_a_run_began_and_lost_sight_of_is_found_by_its_label(cloud: Emulated) -> None:
    body = {"image": IMAGE, "location": "sfo06", "instance_type": "lite"}
    cloud.api.create_deployment(body)
    made = cloud.api.create_deployment({**body, "labels": [LABEL]})
    draft = Prior(EDGE, "", attributes={"image": IMAGE})
    begun = StepBegun(EDGE, "create", "op-1", "2026-01-01T00:00:00Z", "run", "", "", "labelled", draft)
    state = State("lineage").after([begun])
    found = recover(state, {"deployment": DeploymentHandler(cloud.api)}, cloud.bench.house.clock)
    assert state.after(found.events).resources[EDGE].identity == made["id"]


def test_one_list_finds_all_and_what_belongs_to_nobody(cloud: Emulated) -> None:
    body = {"image": IMAGE, "location": "sfo06", "instance_type": "lite"}
    ours, theirs = (cloud.api.create_deployment(body) for _ in range(2))
    cloud.requests(reads=True)
    sighting = DeploymentHandler(cloud.api).observe(Look(1, [Subject(EDGE, "", ours["id"])], others=True))
    assert cloud.requests(reads=True) == ["GET deployments/v2"]
    assert sighting.by_identity[EDGE].identity == ours["id"]
    assert [one.identity for one in sighting.others] == [theirs["id"]]
