from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.plan import ManifestStamp, RecordedInputs
from reconciler.render.command import next_command
from tests.render.plans import plan, shop_plan


@pytest.mark.parametrize(
    ("other", "command"),
    [
        ({}, "reconciler apply -e production"),
        ({"environment": None}, "reconciler apply"),
        ({"environment": None, "target": "local"}, "reconciler apply --local"),
        ({"environment": "two words"}, "reconciler apply -e 'two words'"),
        ({"manifest": ManifestStamp("my shop.yaml", "")}, "reconciler apply -f 'my shop.yaml' -e production"),
        (
            {"allow_needed": ("--allow DELETES_DATA:worker.edge",)},
            "reconciler apply -e production --allow DELETES_DATA:worker.edge",
        ),
    ],
)
def test_the_command_leads_to_the_same_plan(other: dict[str, Any], command: str) -> None:
    assert next_command(replace(shop_plan(), **other)) == command


def test_choices_of_the_plan_are_choices_of_the_command() -> None:
    options = {"targets": ['application.w["eu"]'], "destroy": True, "no_refresh": True, "secrets": False}
    plan = replace(shop_plan(), environment=None, inputs=RecordedInputs(options=options))
    assert (
        next_command(plan) == "reconciler destroy --target 'application.w[\"eu\"]' --no-refresh --no-secrets"
    )


def test_a_saved_plan_needs_nothing_but_its_file_and_what_has_to_be_allowed() -> None:
    plan = replace(shop_plan(), allow_needed=("--allow-destroy 12",))
    assert next_command(plan, "plan.json") == "reconciler apply plan.json --allow-destroy 12"


def test_many_flags_are_counted() -> None:
    plan = replace(shop_plan(), allow_needed=("--allow X",) * 20)
    assert next_command(plan, "p", 5) == "reconciler apply p  # with the 20 flags of `allow_needed` in --json"


def test_variables_of_the_command_line_are_said_again() -> None:
    of = plan(inputs=RecordedInputs(var={"size": "big one", "a": "1"}))
    assert next_command(of) == "reconciler apply -e production --var a=1 --var 'size=big one'"
    assert next_command(of, "plan.json") == "reconciler apply plan.json"
