from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.kinds.application import ApplicationHandler
from reconciler.kinds.application.looking import observed
from reconciler.kinds.application.table import ATTRIBUTES
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change, Effect
from reconciler.model.kind import Removal
from reconciler.model.resource import Prior
from reconciler.model.value import Ref, Unknown
from tests.kinds.application_bench import IMAGE, NAMESPACE, bind, change_of
from tests.kinds.test_application_forms import application, wanted

HANDLER = ApplicationHandler(None)  # type: ignore[arg-type]
ME = ResourceAddress("application", "api")


def change(
    block: dict[str, Any],
    *,
    before: dict[str, Any] | None = None,
    live: dict[str, Any] | None = None,
    running: int = 0,
    prior: dict[str, Any] | None = None,
    action: Action = Action.UPDATE,
) -> Change:
    """From a block that was applied to one that is wanted."""
    there = application(wanted(**(before or {}))) | (live or {})
    there["health"] = {"instances": {"active": running}}
    settings = bind(HANDLER, {"image": IMAGE, "class_name": "App", **block}).bound.settings
    remembered = Prior(ME, "1-2", **(prior or {}))
    return change_of(HANDLER, wanted(**block), observed(there, "GEN"), remembered, action, **settings)


@pytest.mark.parametrize(
    ("block", "effect"),
    [
        ({}, Effect.NONE),
        ({"max_instances": 3}, Effect.HOT),
        ({"constraints": {"regions": ["WEUR"]}}, Effect.HOT),
        ({"observability": {"enabled": True}}, Effect.HOT),
        ({"rollout_active_grace_period": 5}, Effect.HOT),
        ({"affinities": {"colocation": "datacenter"}}, Effect.HOT),
        ({"ssh": {"enabled": False}}, Effect.HOT),
        ({"authorized_keys": {"me": "ssh-ed25519 A"}}, Effect.HOT),
        ({"unsafe": {"future": 1}}, Effect.HOT),
        ({"unsafe": {"configuration": {"x": 1}}}, Effect.ROLLOUT),
        ({"trusted_user_ca_keys": {"me": "ssh-ed25519 A"}}, Effect.ROLLOUT),
        ({"image": IMAGE.replace("1" * 64, "2" * 64)}, Effect.ROLLOUT),
        ({"instance_type": "basic"}, Effect.ROLLOUT),
        ({"environment_variables": {"A": "1"}, "max_instances": 3}, Effect.ROLLOUT),
        ({"environment_variables": {"A": "1"}, "rollout_kind": "none"}, Effect.HOT),
        ({"generation_variable": "GEN"}, Effect.NONE),
        ({"rollout_step_percentage": 50, "rollout": {"on_failure": "revert"}}, Effect.NONE),
    ],
)
def test_what_a_change_does_to_what_runs(block: dict[str, Any], effect: Effect) -> None:
    assert HANDLER.judge(change(block)).effect is effect


def test_logs_in_the_old_place_need_a_rollout() -> None:
    live = application(wanted())["configuration"] | {"observability": {"logs": {"enabled": True}}}
    found = change({"observability": {"enabled": False}}, live={"configuration": live})
    assert HANDLER.judge(found).effect is Effect.ROLLOUT


def test_a_rollout_is_shown_step_by_step() -> None:
    judged = HANDLER.judge(change({"instance_type": "basic"}, running=14))
    (hazard,) = judged.hazards
    assert hazard.code == "RESTARTS_INSTANCES"
    assert hazard.message == "14 running instances are replaced in steps: 10 %, 100 %"
    assert judged.details["rollout"] == {
        "kind": "full_auto",
        "instances": 14,
        "steps": [
            {"step": 1, "percentage": 10, "instances": 2},
            {"step": 2, "percentage": 100, "instances": 14},
        ],
        "grace_seconds": 0,
    }
    assert (judged.reads, judged.writes) == (3, 2)


@pytest.mark.parametrize("owes", ["rollout", "patched"])
def test_a_rollout_that_is_owed_is_started_although_nothing_differs(owes: str) -> None:
    judged = HANDLER.judge(change({}, prior={"owes": (owes,)}))
    assert judged.effect is Effect.ROLLOUT
    assert judged.reason == "the last change was never rolled out"


def test_an_attempt_that_never_got_anywhere_owes_nothing() -> None:
    assert HANDLER.judge(change({}, prior={"owes": ("update",)})).effect is Effect.NONE


def test_a_reverted_target_is_remembered() -> None:
    facts = {"reverted": {"version": 7, "why": "3 failed at step 2 of 3", "at": "2026-11-20T10:00:00Z"}}
    judged = HANDLER.judge(change({"instance_type": "basic"}, prior={"facts": facts}))
    assert judged.notes == ("version 7 was reverted at 2026-11-20T10:00:00Z: 3 failed at step 2 of 3",)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (IMAGE, ["undoes the rollback of 03:12 (2026-11-20 UTC), which went back from version 7"]),
        ("other", []),
    ],
)
def test_what_was_rolled_back_is_said_to_be_undone(image: str, says: list[str]) -> None:
    rollback = {
        "at": "2026-11-20T03:12:07.5Z",
        "version": 7,
        "image": image,
        "paths": ["instance_type"],
        "to": 3,
    }
    facts = {"rolled_back": rollback}
    assert [*HANDLER.judge(change({"instance_type": "basic"}, prior={"facts": facts})).notes] == says
    assert HANDLER.judge(change({"command": ["x"]}, prior={"facts": facts})).notes == ()


def test_a_restart_says_so() -> None:
    judged = HANDLER.judge(change({}, prior={"owes": ("restart",)}))
    assert (judged.effect, judged.reason) == (Effect.ROLLOUT, "its instances start anew")


def test_fewer_instances_are_said_to_stop() -> None:
    judged = HANDLER.judge(change({"max_instances": 5}))
    assert judged.notes == ("lowering max_instances from 20 to 5 stops instances beyond it",)


def test_a_rollout_with_more_instances_says_that_they_count() -> None:
    before = {"max_instances": 5}
    judged = HANDLER.judge(change({"max_instances": 9, "instance_type": "basic"}, before=before, running=3))
    assert judged.details["rollout"]["instances"] == 3
    (note,) = judged.notes
    assert note == "max_instances is 9 from before the rollout on: what starts meanwhile is replaced too"
    assert HANDLER.judge(change({"max_instances": 9}, before=before, running=3)).notes == ()


def test_a_replacement_stops_what_runs() -> None:
    judged = HANDLER.judge(change({}, running=3, action=Action.REPLACE))
    assert judged.effect is Effect.DOWNTIME
    assert judged.hazards[0].code == "DOWNTIME"
    assert judged.hazards[0].message.startswith("3 running instances stop")


def test_taking_over_names_what_is_taken() -> None:
    judged = HANDLER.judge(change({}, action=Action.ADOPT))
    assert [hazard.code for hazard in judged.hazards] == ["TAKES_OVER"]
    assert "w1-app (1-2)" in judged.hazards[0].message


def test_an_image_without_digest_is_shown() -> None:
    judged = HANDLER.judge(change_of(HANDLER, wanted() | {"image": "docker.io/library/redis:7"}))
    assert [hazard.code for hazard in judged.hazards] == ["UNPINNED_IMAGE"]
    assert judged.effect is Effect.NONE


def test_an_application_that_lost_its_link_is_replaced() -> None:
    live = application(wanted())
    del live["durable_objects"]
    found = change_of(HANDLER, wanted(), observed(live), Prior(ME, "1-2"))
    assert [(one.path, one.forces_replacement) for one in found.attributes] == [(("namespace",), True)]


def test_an_application_that_is_to_lose_its_class_is_replaced() -> None:
    classless = {"name": "w1-app", **bind(HANDLER, {"image": IMAGE, "instances": 0}).attributes}
    found = change_of(HANDLER, classless, observed(application(wanted())), Prior(ME, "1-2"))
    assert [(one.path, one.forces_replacement) for one in found.attributes] == [(("namespace",), True)]


# the generation


COUNTED = {"generation_variable": "GEN"}


def counted(
    block: dict[str, Any], live: int | None, known: int | None, action: Action = Action.UPDATE
) -> object:
    there = application(wanted(**COUNTED) | ({"generation": live} if live is not None else {}))
    prior = Prior(ME, "1-2", attributes={} if known is None else {"generation": known})
    settings = bind(HANDLER, {"image": IMAGE, "class_name": "App", **block}).bound.settings
    made = change_of(HANDLER, wanted(**COUNTED, **block), observed(there, "GEN"), prior, action, **settings)
    return HANDLER.ride_along(made).get("generation")


@pytest.mark.parametrize(
    ("block", "live", "known", "action", "number"),
    [
        ({"instance_type": "basic"}, 7, 7, Action.UPDATE, 8),
        ({"max_instances": 3}, 7, 7, Action.UPDATE, 7),
        ({}, 7, 7, Action.NO_OP, 7),
        ({"instance_type": "basic"}, 7, None, Action.ADOPT, 8),
        ({"instance_type": "basic"}, None, None, Action.UPDATE, 1),
        ({"instance_type": "basic"}, 8, 7, Action.UPDATE, 8),
        ({}, 7, 7, Action.REPLACE, 8),
        ({"instance_type": "basic", "rollout_kind": "none"}, 7, 7, Action.UPDATE, 7),
    ],
)
def test_the_generation_rises_only_when_instances_restart(
    block: dict[str, Any], live: int | None, known: int | None, action: Action, number: int
) -> None:
    assert counted(block, live, known, action) == number


def test_the_generation_starts_at_one() -> None:
    assert HANDLER.ride_along(change_of(HANDLER, wanted(**COUNTED))) == {"generation": 1}
    assert HANDLER.ride_along(change_of(HANDLER, wanted())) == {}


# outputs


def test_image_and_namespace_are_known_before() -> None:
    outputs = HANDLER.predict(change_of(HANDLER, wanted()))
    assert (outputs["image"], outputs["namespace_id"], outputs["instances"]) == (IMAGE, NAMESPACE, 0)
    assert isinstance(outputs["id"], Unknown)
    assert isinstance(outputs["version"], Unknown)


def test_an_update_keeps_the_id() -> None:
    later = Unknown(ResourceAddress("image", "api"))
    updated = change({"instance_type": "basic"})
    outputs = HANDLER.predict(replace(updated, wanted={**updated.wanted, "image": later}))
    assert (outputs["id"], outputs["image"]) == ("1-2", later)


def test_an_unknown_namespace_forces_nothing_for_certain() -> None:
    attributes = wanted() | {"namespace": Unknown(ResourceAddress("worker", "edge"))}
    found = change_of(HANDLER, attributes, observed(application(wanted())), Prior(ME, "1-2"))
    assert found.attributes[0].forces_replacement is None


# the table


@pytest.mark.parametrize("row", ATTRIBUTES, ids=lambda row: row.path)
def test_every_row_is_complete(row: Any) -> None:
    assert row.schema
    assert row.description.endswith(".")
    assert not (row.replaces and row.effect is not Effect.DOWNTIME)
    assert row.removal is not Removal.RESET or row.default is not None


def test_pointers_may_stand_anywhere() -> None:
    pointer = Ref(ResourceAddress("worker", "edge"), ("name",))
    bound = bind(HANDLER, {"image": IMAGE, "labels": {"by": pointer}, "command": [pointer]})
    assert bound.messages == []
    assert bound.attributes["labels"] == {"by": pointer}
