from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import RefusedError
from reconciler.kinds.application.going_back import (
    Version,
    as_seen,
    last_good,
    refuse_managed,
    with_configuration,
)
from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Observed, Pending, Prior

ME = ResourceAddress("application", "api")
FAILED = {"failed": {"version": 2}}
GOING = (Pending(ME, "rollout", {}, ""),)


def prior(image: str, **more: Any) -> Prior:
    return Prior(ME, "id", attributes={"image": image, "max_instances": 4, "name": "shop-api"}, **more)


def back_to(serial: int) -> dict[str, Any]:
    return {"rolled_back": {"to": serial, "at": "2026-11-20T03:12:00Z"}}


@pytest.mark.parametrize(
    ("present", "versions", "serial"),
    [
        pytest.param(prior("c"), {3: prior("b"), 2: prior("a")}, 3, id="the newest"),
        pytest.param(prior("c"), {3: prior("c"), 2: prior("b")}, 2, id="another configuration"),
        pytest.param(prior("c"), {3: prior("b", facts=FAILED), 2: prior("a")}, 2, id="failed"),
        pytest.param(prior("c"), {3: prior("b", pending=GOING), 2: prior("a")}, 2, id="never ended"),
        pytest.param(prior("c"), {3: prior("b", owes=("patched",)), 2: prior("a")}, 2, id="half-way"),
        pytest.param(prior("c"), {}, None, id="nothing known"),
        pytest.param(
            prior("b", facts=back_to(3)), {4: prior("c"), 3: prior("b"), 2: prior("a")}, 2, id="further back"
        ),
        pytest.param(
            prior("c", facts=back_to(3)), {4: prior("c"), 3: prior("b"), 2: prior("a")}, 3, id="cut off"
        ),
        pytest.param(prior("b", facts=back_to(0)), {4: prior("c")}, None, id="back from the service"),
        pytest.param(prior("b", owes=("patched",)), {4: prior("a")}, 9, id="a change that stopped half-way"),
        pytest.param(prior("b", owes=("restart",)), {4: prior("a")}, 4, id="a restart that stopped half-way"),
    ],
)
def test_the_last_good_version(present: Prior, versions: dict[int, Prior], serial: int | None) -> None:
    found = last_good(Version(9, present), [Version(at, one) for at, one in versions.items()])
    assert (found.serial if found else None) == serial


def test_only_the_configuration_goes_back() -> None:
    good = Prior(ME, "id", attributes={"image": "a", "command": ["x"], "max_instances": 9, "generation": 1})
    present = prior("b", facts={})
    assert with_configuration(present, good) == {
        "image": "a",
        "command": ["x"],
        "max_instances": 4,
        "name": "shop-api",
    }


def test_what_others_set_outside_of_it_stays() -> None:
    seen = Observed("id", "shop-api", {"image": "b", "max_instances": 7})
    assert as_seen({"image": "a", "max_instances": 4}, seen) == {"image": "a", "max_instances": 7}


def test_what_its_durable_object_manages_is_refused() -> None:
    with pytest.raises(RefusedError, match="knows no rollouts"):
        refuse_managed(prior("a"), {"scheduling_policy": "durable_object"})
    refuse_managed(prior("a"), {"scheduling_policy": "default"})
