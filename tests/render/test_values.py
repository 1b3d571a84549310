from __future__ import annotations

from typing import Any

import pytest

from reconciler.render.amounts import ratio
from reconciler.render.values import Wording, digits_apart, shown, wording_of
from tests.render.plans import ACCOUNT, NEW, attribute, change, plan


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        (None, "", "(none)"),
        (True, "", "true"),
        (3, "", "3"),
        (0.25, "", "0.25"),
        ("info", "", "info"),
        ("1", "", '"1"'),
        ("1.10", "", '"1.10"'),
        ("true", "", '"true"'),
        ("No", "", '"No"'),
        ("", "", '""'),
        (" a", "", '" a"'),
        ("(none)", "", '"(none)"'),
        ("two words", "", '"two words"'),
        ("a → b", "", '"a → b"'),
        ("2026-10-01", "", "2026-10-01"),
        ("nginx:1.27", "", "nginx:1.27"),
        ([1, "a"], "", '[1, "a"]'),
        ("standard-1", "instance_type", "standard-1 (1/2 vCPU, 4 GiB, 8 GB)"),
        ("standard-1", "labels.x", "standard-1"),
        (6144, "instance_type.memory_mib", "6144 (6 GiB)"),
        (12000, "instance_type.disk_mb", "12000 (12 GB)"),
        (60, "rollout_active_grace_period", "60 s"),
        (f"registry.cloudflare.com/{ACCOUNT}/shop-api@sha256:{NEW}", "image", "shop-api@sha256:9b1ce04d7a35"),
        (NEW, "modules", "9b1ce04d7a35"),
        ("\x1b[31m", "", '"\\u001b[31m"'),
    ],
)
def test_a_value_is_shown_with_its_meaning(value: Any, path: str, text: str) -> None:
    assert Wording().shown(value, path) == text


def test_beside_a_plan_nothing_is_left_out() -> None:
    assert shown(f"registry.cloudflare.com/{ACCOUNT}/api@sha256:{NEW}").endswith(
        f"{ACCOUNT}/api@sha256:{NEW}"
    )


def test_a_long_value_says_how_long_it_is() -> None:
    assert Wording(longest=5).shown("x" * 1234) == "xxxxx… (1,234 characters)"


def test_what_differs_only_in_what_is_left_out_is_shown_whole() -> None:
    one, other = (f"registry.cloudflare.com/{digit * 32}/api:1" for digit in "ab")
    assert Wording().pair(one, other) == (one, other)
    assert Wording().pair("1", 1) == ('"1"', "1")


def test_digests_are_as_long_as_it_takes_to_tell_them_apart() -> None:
    assert digits_apart([]) == 12
    assert digits_apart(["a" * 64, "b" * 64]) == 12
    assert digits_apart(["a" * 20 + "b" * 44, "a" * 20 + "c" * 44]) == 21
    twins = [attribute("image", f"sha256:{'a' * 63}{end}", f"sha256:{'b' * 64}") for end in "cd"]
    wording = wording_of(plan(change("image.a", "update", *twins)))
    assert wording.shown(f"sha256:{'a' * 63}c") == f"sha256:{'a' * 63}c"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (10, 40, "(x4)"),
        (10, 25, "(x2.5)"),
        (40, 10, "(÷4)"),
        (10, 11, ""),
        (0, 5, ""),
        (True, 4, ""),
        ("1", 4, ""),
        (1, None, ""),
    ],
)
def test_a_ratio_is_told_where_it_says_something(before: Any, after: Any, text: str) -> None:
    assert ratio(before, after) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ({"vcpu": 2, "memory_mib": 8192, "disk_mb": 10_000}, "2 vCPU, 8 GiB, 10 GB"),
        ({"vcpu": 2, "memory_mib": 8192}, '{"memory_mib": 8192, "vcpu": 2}'),
        ({}, "{}"),
    ],
)
def test_a_size_of_ones_own_is_told_like_a_named_one(size: dict[str, Any], text: str) -> None:
    assert Wording().shown(size, "instance_type") == text
