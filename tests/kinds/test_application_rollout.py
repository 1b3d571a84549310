from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.errors import ConflictError, NotFoundError, ReconcilerError
from reconciler.kinds.application.pending import (
    last_rollout,
    pending_rollout,
    rollout_in_flight,
    seconds_between,
    under_way,
    undoing,
)
from reconciler.kinds.application.reverting import Reverting
from reconciler.kinds.application.rollout import RolloutWatch
from reconciler.kinds.application.rollout_options import read
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Gate, Moving, Settled, Stuck
from reconciler.model.resource import Pending, Prior
from tests.kinds.application_bench import IMAGE, Doing

ME = ResourceAddress("application", "api")
OLD = IMAGE.replace("1" * 64, "0" * 64)


@dataclass
class Api:
    """The part of the API that looking after a rollout needs."""

    rollout: dict[str, Any] = field(default_factory=dict)
    instances: list[dict[str, Any]] = field(default_factory=list)
    application: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=lambda: {"success": True})
    asked: list[str] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)

    @property
    def transport(self) -> Api:
        return self

    def server_time(self) -> float:
        return 0.0

    def get_rollout(self, application: str, rollout: str) -> dict[str, Any]:
        self.asked.append("rollout")
        if not self.rollout:
            raise NotFoundError("no such rollout")
        return self.rollout

    def list_dash_instances(self, application: str) -> dict[str, Any]:
        self.asked.append("instances")
        return {"instances": self.instances}

    def get_application(self, application: str) -> dict[str, Any]:
        return self.application

    def act_on_rollout(self, application: str, rollout: str, action: str) -> dict[str, Any]:
        self.sent.append(action)
        return self.said

    def update_application(self, application: str, body: dict[str, Any]) -> dict[str, Any]:
        self.sent.append(body)
        return self.application | body

    def create_rollout(self, application: str, body: dict[str, Any]) -> dict[str, Any]:
        self.sent.append(body)
        return {"id": "back", "kind": "full_auto", "target_version": 3}


@dataclass
class Seconds:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def application(
    active: str | None = "r", *, failed: int = 0, hint: tuple[int, int] | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": "app",
        "name": "shop-api",
        "version": 2,
        "scheduling_policy": "default",
        "configuration": {"image": IMAGE, "instance_type": "lite"},
        "health": {"instances": {"active": 4 - failed, "failed": failed}},
    }
    if active:
        made["active_rollout_id"] = active
    if hint:
        sides = zip(("current", "target"), hint, strict=True)
        made["scheduling_hint"] = {
            side: {"instances": count, "version": at} for at, (side, count) in enumerate(sides, 1)
        }
    return made


def pending(kind: str = "full_auto", previous: list[list[Any]] | None = None, **rollout: Any) -> Pending:
    options = read({"rollout": rollout, "rollout_kind": kind}, lambda *_: None)["rollout"]
    started = {"id": "r", "target_version": 2, "kind": kind}
    return pending_rollout(ME, application(), started, options, previous or [], "2026-01-01T00:00:00Z")


def rollout(status: str, *steps: str, kind: str = "full_auto", updated: int = 0) -> dict[str, Any]:
    return {
        "id": "r",
        "status": status,
        "kind": kind,
        "steps": [{"status": step, "step_size": {"percentage": 50 * at}} for at, step in enumerate(steps, 1)],
        "progress": {"updated_instances": updated, "total_instances": 4},
        "target_configuration": {"image": IMAGE},
        "current_configuration": {"image": OLD, "vcpu": 0.0625, "memory_mib": 256, "memory": "256MB"},
    }


def instance(version: int, health: str = "running") -> dict[str, Any]:
    return {
        "name": f"i{version}",
        "app_version": version,
        "current_placement": {"status": {"health": health}},
    }


def stand(api: Api, one: Pending, there: dict[str, Any] | None) -> Any:
    return RolloutWatch(api, Seconds()).standing(one, there)  # type: ignore[arg-type]


def test_one_that_goes_on_is_seen_in_the_list_alone() -> None:
    api = Api()
    standing = stand(api, pending(), application(hint=(3, 1)))
    assert isinstance(standing, Moving)
    assert (standing.done, standing.of, standing.note) == (1, 4, "1 of 4 instances")
    assert api.asked == []


def test_one_that_ended_well_is_compared_with_what_was_meant() -> None:
    api = Api(rollout("completed", "completed"), [instance(2), instance(2)])
    standing = stand(api, pending(), application(None))
    assert isinstance(standing, Settled)
    assert standing.notes == ()
    assert standing.facts == {"reverted": None, "undone": None, "failed": None}
    assert api.asked == ["rollout", "instances"]


def test_stragglers_are_named() -> None:
    api = Api(rollout("completed", "completed"), [instance(2), instance(1)])
    standing = stand(api, pending(), application(None))
    assert standing.notes == ("the rollout is complete, but i1 still runs another version",)


@pytest.mark.parametrize(
    ("status", "active", "reason", "fix"),
    [
        (
            "reverted",
            None,
            "the rollout went wrong: it was reverted at step 1 of 2",
            "put its configuration back, too, with `reconciler rollout revert application.api`, or apply to try again",
        ),
        (
            "replaced",
            "other",
            "the rollout was given up: another rollout, other, which is under way took its place",
            "`reconciler rollout status application.api` shows what goes on; plan again to bring back what is wanted",
        ),
    ],
)
def test_somebody_else_may_end_it(status: str, active: str | None, reason: str, fix: str) -> None:
    standing = stand(Api(rollout(status, "reverted", "pending")), pending(), application(active))
    assert isinstance(standing, Stuck)
    assert (standing.end, standing.then, standing.reason, standing.fix) == (status, "", reason, fix)
    assert standing.facts["failed"]["version"] == 2


def test_one_that_is_gone_with_its_application_has_failed() -> None:
    assert stand(Api(), pending(), None).end == "failed"
    assert stand(Api(), pending(), application(None)).end == "replaced"


UNDO = "undo it with `reconciler rollout revert application.api`"


@pytest.mark.parametrize(
    ("on_failure", "end", "then", "fix", "remembered"),
    [
        ("continue", "failed", "", UNDO, {"failed"}),
        ("revert", "failed", "revert", "", {"failed", "reverted"}),
        (
            "pause",
            "paused",
            "",
            f"go on all the same with `reconciler rollout next application.api`, or {UNDO}",
            set(),
        ),
    ],
)
def test_a_failing_instance_of_the_new_version_breaks_the_gate(
    on_failure: str, end: str, then: str, fix: str, remembered: set[str]
) -> None:
    api = Api(rollout("progressing", "completed", "progressing"), [instance(2, "failed"), instance(1)])
    standing = stand(api, pending(on_failure=on_failure), application(failed=1, hint=(3, 1)))
    assert (standing.end, standing.then, standing.fix) == (end, then, fix)
    assert standing.reason == "the rollout went wrong: 1 instance of the new version failed at step 2 of 2"
    assert standing.facts.keys() == remembered


def test_one_that_was_being_taken_back_is_taken_back() -> None:
    standing = stand(Api(), undoing(pending()), application())
    assert (standing.end, standing.then) == ("reverted", "revert")


def test_one_that_left_no_trace_was_replaced() -> None:
    assert "is not there any more" in stand(Api(), pending(), application(None)).reason


def test_failing_instances_of_the_old_version_do_not() -> None:
    api = Api(rollout("progressing", "progressing"), [instance(1, "failed"), instance(2)])
    assert isinstance(stand(api, pending(), application(failed=1)), Moving)


def test_so_many_may_fail() -> None:
    api = Api(rollout("progressing", "progressing"), [instance(2, "failed")])
    assert isinstance(stand(api, pending(gate={"max_failed": 1}), application(failed=1)), Moving)


def test_one_that_completes_with_failures_has_failed() -> None:
    api = Api(rollout("completed", "completed"), [instance(2, "failed")])
    assert stand(api, pending(), application(None, failed=1)).end == "failed"


def test_time_counts_from_what_moved_last() -> None:
    clock = Seconds()
    watch = RolloutWatch(Api(), clock)  # type: ignore[arg-type]
    one = pending(timeout="10m")
    assert isinstance(watch.standing(one, application(hint=(4, 0))), Moving)
    clock.now = 599
    assert isinstance(watch.standing(one, application(hint=(3, 1))), Moving)
    clock.now = 1198
    assert isinstance(watch.standing(one, application(hint=(3, 1))), Moving)
    clock.now = 1200
    standing = watch.standing(one, application(hint=(3, 1)))
    assert isinstance(standing, Stuck)
    assert standing.end == "timeout"


# gates


def manual(*steps: str) -> Api:
    return Api(rollout("progressing", *steps, kind="full_manual"))


def test_the_first_step_is_asked_for_at_once() -> None:
    standing = stand(manual("pending", "pending"), pending("full_manual"), application())
    assert isinstance(standing, Gate)
    assert standing.question.startswith("shop-api: take step 1 of 2, to 50 % of the instances?")
    assert standing.choices == ("next", "revert", "stop")
    assert standing.then == ""


def test_a_gate_of_the_manifest_answers_by_itself() -> None:
    one = pending("full_manual", gate={"max_failed": 0})
    assert stand(manual("pending", "pending"), one, application()).then == "next"


def test_a_step_must_stay_good_before_the_next_one() -> None:
    clock = Seconds()
    watch = RolloutWatch(manual("completed", "pending"), clock)  # type: ignore[arg-type]
    one = pending("full_manual", gate={"for": "60s"})
    watched = watch.standing(one, application())
    assert isinstance(watched, Moving)
    assert "watched for 60 s" in watched.note
    clock.now = 61
    assert isinstance(watch.standing(one, application()), Gate)


def test_a_step_under_way_is_waited_for() -> None:
    assert isinstance(stand(manual("progressing", "pending"), pending("full_manual"), application()), Moving)


# answers


def answer(api: Api, one: Pending, choice: str) -> Any:
    return Reverting(api, one, Doing()).answer(choice)  # type: ignore[arg-type]


def test_the_next_step_is_taken() -> None:
    api = Api(rollout("progressing", "pending"), application=application())
    one = pending("full_manual")
    assert answer(api, one, "next").pending is one
    assert api.sent == ["next"]


def test_a_refused_step_is_an_error_with_the_service_s_reason() -> None:
    api = Api(
        rollout("progressing", "progressing"),
        said={"success": False, "message": "the current step is not finished"},
    )
    with pytest.raises(ConflictError, match="the current step is not finished"):
        answer(api, pending("full_manual"), "next")
    with pytest.raises(ReconcilerError, match="is no answer"):
        answer(api, pending("full_manual"), "dance")


def test_a_revert_takes_back_instances_then_configuration() -> None:
    api = Api(rollout("progressing", "progressing"), application=application())
    api.application["configuration"]["environment_variables"] = [{"name": "A", "value": "2"}]
    previous: list[list[Any]] = [[["image"], OLD], [["environment_variables", "A"], None]]
    result = answer(api, pending(previous=previous), "revert")
    assert api.sent == [
        "revert",
        {"configuration": {"image": OLD, "instance_type": "lite", "environment_variables": []}},
    ]
    assert result.pending is None
    assert result.facts["undone"]["version"] == 2


def test_without_memory_the_old_configuration_is_the_rollout_s() -> None:
    api = Api(rollout("reverted", "reverted"), application=application())
    answer(api, pending(), "revert")
    assert api.sent == [{"configuration": {"image": OLD, "instance_type": "lite"}}]


def test_a_rollout_that_is_over_is_undone_by_another() -> None:
    api = Api(rollout("completed", "completed"), application=application(None))
    result = answer(api, pending(previous=[[["image"], OLD]]), "revert")
    assert api.sent[1]["step_percentage"] == 100
    assert (result.pending.token["rollout"], result.pending.token["forgets"]) == ("back", False)


def test_one_that_an_earlier_attempt_sent_back_is_watched() -> None:
    api = Api(rollout("completed", "completed"), application=application("back"))
    result = answer(api, pending(previous=[[["image"], OLD]]), "revert")
    assert len(api.sent) == 1
    assert result.pending.token["rollout"] == "r"


def test_one_that_was_only_seen_is_watched_with_default_options() -> None:
    seen = rollout_in_flight(ME, application(hint=(3, 1)))
    assert seen is not None
    assert (seen.token["rollout"], seen.token["target_version"], seen.token["on_failure"]) == (
        "r",
        2,
        "continue",
    )
    assert rollout_in_flight(ME, application(None)) is None


def test_times_of_the_service_are_compared() -> None:
    assert seconds_between("2026-01-01T00:00:00.500Z", "2026-01-01T00:00:02Z") == 1.5
    assert seconds_between(None, "2026-01-01T00:00:02Z") == 0


# what is remembered of one


def remembered(*pendings: Pending, **facts: Any) -> Prior:
    return Prior(ME, "app", pending=pendings, facts=facts)


def test_the_one_under_way_is_the_remembered_one_where_they_are_the_same() -> None:
    mine = pending(timeout="10m")
    assert under_way(remembered(mine), application("r")) == mine
    assert under_way(remembered(mine), application(None)) is None
    seen = under_way(remembered(mine), application("other"))
    assert seen is not None
    assert (seen.token["rollout"], seen.token["timeout"]) == ("other", 3600)


def test_what_failed_before_knows_the_configuration_before_it() -> None:
    failed = {"rollout": "r", "previous": [[["image"], OLD]]}
    seen = under_way(remembered(failed=failed), application("r"))
    assert seen is not None
    assert seen.token["previous"] == failed["previous"]


def test_the_last_one_is_that_of_the_present_version() -> None:
    rollouts = [
        {"id": "older", "target_version": 2, "created_at": "2026-01-01T00:00:00Z"},
        {"id": "newer", "target_version": 2, "created_at": "2026-01-02T00:00:00Z"},
        {"id": "other", "target_version": 3, "created_at": "2026-01-03T00:00:00Z"},
    ]
    last = last_rollout(remembered(), application(None), rollouts)
    assert last is not None
    assert last.token["rollout"] == "newer"
    assert last_rollout(remembered(), application(None), rollouts[2:]) is None
