from __future__ import annotations

from reconciler.render.instances import CloseUp, Fleet, Instance, close_up_text, fleet_of, fleet_text


def instance(
    state: str, version: int | None = 2, *, as_intended: bool = True, name: str = "api-0"
) -> Instance:
    return Instance("i", name, state, version, as_intended, "", "ams02", "2026-11-20T10:00:00Z")


def fleet(
    *instances: Instance, intended: int | None = 2, applied: int | None = 2, moving: bool = False
) -> Fleet:
    return fleet_of(
        "application.api",
        "shop-api",
        "a",
        intended=intended,
        applied=applied,
        under_way=moving,
        instances=list(instances),
    )


def text_of(found: Fleet) -> str:
    return fleet_text(found, lambda _since: "3 d")


def test_what_needs_a_person_comes_first() -> None:
    found = fleet(
        instance("running"),
        instance("running", 1, as_intended=False, name="api-9"),
        instance("odd"),
        instance("failed"),
        instance("inactive", None),
    )
    assert [(one.state, one.version) for one in found.instances] == [
        ("failed", 2),
        ("odd", 2),
        ("running", 1),
        ("running", 2),
        ("inactive", None),
    ]
    assert found.by_state == {"failed": 1, "odd": 1, "running": 2, "inactive": 1}


def test_the_headline_counts_states() -> None:
    found = fleet(instance("running"), instance("failed"))
    assert text_of(found).splitlines()[0] == "application.api  shop-api  version 2  1 failed, 1 running"


def test_without_instances_there_is_no_table() -> None:
    assert text_of(fleet(intended=None)) == "application.api  shop-api  no instances\n"


def test_stragglers_are_told_with_their_way_out() -> None:
    late = instance("running", 1, as_intended=False)
    still, moving = fleet(late, late), fleet(late, moving=True, applied=1)
    assert (
        "2 instances run something else than is intended; no rollout is under way: `restart api`"
        in text_of(still)
    )
    assert "1 instance runs something else than is intended; a rollout is under way" in text_of(moving)
    assert "the last apply left version 1; version 2 is in force now" in text_of(moving)
    assert "running  1 (not intended)  api-0     ams02     3 d" in text_of(still)


def test_an_instance_looked_at_closely_leaves_out_what_is_not_known() -> None:
    found = CloseUp("application.api", instance("failed", None, name=""), None, None, None, 137, ())
    assert close_up_text(found, lambda _since: "3 d").splitlines() == [
        "application.api  i",
        "  state     failed, exit code 137",
        "  version   ?",
        "  location  ams02",
        "  since     2026-11-20T10:00:00Z (3 d)",
        "  instance  i",
    ]
