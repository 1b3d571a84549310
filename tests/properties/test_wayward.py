"""Whatever was done before, and however little of it: in the end a manifest is applied whole, and all of it can go again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import Project, project
from tests.properties.manifests import apply_and_look_again, lay_out, manifests

GONE = ("application", "worker", "secret", "deployment")
ENDS = (0, 1, 3, 4)
"""How a part of a plan may end: done, refused before anything was touched, failed in part."""


def chosen(made: Project, random: Random, *args: str) -> str:
    """One of the addresses that a plan would touch, or any that is remembered."""
    planned = list(made.actions(*args)) or made.run("state", "list").out.split()
    return random.choice(planned) if planned else ""


def some(made: Project, random: Random) -> None:
    """An apply of a part: a target, all but something, something made anew, or a part of a destroy."""
    flag, args = random.choice(
        [
            ("--target", ()),
            ("--exclude", ()),
            ("--replace", ()),
            ("--target", ("--destroy",)),
            ("--exclude", ("--destroy",)),
        ]
    )
    if not (address := chosen(made, random, *args)):
        return
    plan = made.plan(*args, flag, address)
    allowed = [word for needed in plan["allow_needed"] for word in needed.split(" ")]
    command = "destroy" if args else "apply"
    ended = made.run(command, "--yes", flag, address, *allowed)
    assert ended.code in ENDS, ended.err


def cut_off(made: Project, random: Random) -> None:
    """An apply whose answers are lost now and then."""
    drops = {"drop": random.choice(["after", "before"])}
    made.faults(
        {
            "method": random.choice(["POST", "PUT", "PATCH", "DELETE"]),
            "after": random.randint(0, 6),
            "times": 3,
            "fault": drops,
        }
    )
    ended = made.run("apply", "--yes")
    made.faults()
    assert ended.code in ENDS, ended.err


def tampered(made: Project, random: Random) -> None:
    """Somebody else deletes an application."""
    if applications := [one for one in made.world("application") if not one.get("deleting")]:
        made.by_hand("DELETE", f"containers/applications/{random.choice(applications)['id']}")


WAYS: list[Callable[[Project, Random], None]] = [some, some, cut_off, tampered]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(manifests(), min_size=2, max_size=4), st.integers(0, 2**32))
def test_what_was_done_in_parts_is_done_whole_in_the_end(versions: list[dict[str, Any]], seed: int) -> None:
    random = Random(seed)
    with tempfile.TemporaryDirectory() as folder, project(Path(folder)) as made:
        lay_out(made)
        for version in versions:
            made.write(json.dumps(version, indent=1))
            for way in random.choices(WAYS, k=random.randint(1, 3)):
                way(made, random)
        apply_and_look_again(made, versions[-1])
        ended = made.run("destroy", "--yes", "--allow", "DELETES_DATA", "--allow", "DISABLES_CONTAINER")
        assert ended.code == 0, ended.err
        assert {kind: made.world(kind) for kind in GONE} == {kind: [] for kind in GONE}
