from __future__ import annotations

from typing import Any

import pytest

from reconciler.render.amounts import duration
from reconciler.render.details import Fact, facts_of, rollout_of, share
from reconciler.render.values import Wording
from tests.render.plans import NEW, ROLLOUT, attribute, change


def facts(**details: Any) -> list[Fact]:
    own = attribute("digest", None, f"sha256:{NEW}")
    return list(facts_of(change("image.api", "create", own, details=details), Wording()))


def test_a_rollout_says_how_far_each_step_goes() -> None:
    rollout = rollout_of(change("application.api", details={"rollout": ROLLOUT}))
    assert rollout is not None
    assert [(step.percentage, step.instances, step.capacity) for step in rollout.steps] == [
        (10, 2, 12),
        (50, 7, 9),
        (100, 14, 7),
    ]
    assert [(step.seconds, step.starts_after, step.ends_after) for step in rollout.steps] == [
        (90, 0, 90),
        (90, 90, 180),
        (90, 180, 270),
    ]
    served = "full_auto, 14 instances, grace 60 s, capacity never below 7 of 14 (50 %)"
    assert rollout.headline() == f"{served}, about 4.5 min to 49 min"


def test_how_long_people_take_to_ask_for_a_step_is_not_guessed() -> None:
    rollout = rollout_of(change("application.api", details={"rollout": {**ROLLOUT, "kind": "full_manual"}}))
    assert rollout is not None
    assert rollout.headline().endswith("(50 %), each step when it is asked for")


@pytest.mark.parametrize("told", [None, "soon", {"steps": "many"}, {}])
def test_what_is_no_rollout_is_none(told: Any) -> None:
    assert rollout_of(change("application.api", details={"rollout": told})) is None


def test_a_rollout_that_says_little_is_told_with_little() -> None:
    told = {"steps": [{"percentage": 100}, "nonsense"]}
    rollout = rollout_of(change("application.api", details={"rollout": told}))
    assert rollout is not None
    assert rollout.headline() == "rollout, 0 instances"


def test_files_and_packages_are_counted_and_listed() -> None:
    packages = [{"name": "openssl", "before": "3.0.15", "after": "3.0.16"}]
    assert facts(files={"added": ["a"], "changed": [], "removed": ["b"]}, packages={"changed": packages}) == [
        Fact("files", "+1 -1", ("+ a", "- b")),
        Fact("packages", "~1", ("~ openssl 3.0.15 → 3.0.16",)),
    ]


def test_what_an_attribute_says_already_is_not_said_again() -> None:
    told = facts(source="the archive x", digest=f"sha256:{NEW}", size=10240, size_is_estimate=True)
    assert told == [Fact("", "size 10.0 KiB (estimate), source the archive x")]


def test_any_other_shape_is_told_plainly() -> None:
    renamed = [{"from": "Old", "to": "New"}]
    assert facts(
        classes={"created": ["A", "B"], "renamed": renamed}, removed_bindings=["KV"], n=3, nothing=None
    ) == [
        Fact("classes", "created A, B; renamed from Old, to New"),
        Fact("removed bindings", "", ("KV",)),
        Fact("", "n 3"),
    ]


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (360, "6 min"), (7200, "2.0 h")])
def test_spans_of_time_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_share_of_nothing_has_no_percentage() -> None:
    assert (share(7, 14), share(0, 0)) == ("7 of 14 (50 %)", "0")


def test_what_is_not_listed_is_counted() -> None:
    assert facts(files={"added": ["a"], "changed": [], "removed": [], "more": {"added": 1200}}) == [
        Fact("files", "+1201", ("+ a", "+ … 1,200 more"))
    ]


def test_labels_say_how_an_image_was_built() -> None:
    labels = {"commit": "4e02ab1c07d9" + "0" * 28, "version": "1.9.0", "built_at": "2026-11-20T10:00:00Z"}
    assert facts(labels=labels) == [
        Fact("labels", "version 1.9.0, commit 4e02ab1c07d9, built 2026-11-20 10:00 UTC")
    ]
    assert facts(labels={"commit": "v1-by-hand\x1b"})[0].text == "commit v1-by-hand\\x1b"
