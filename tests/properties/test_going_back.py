"""The law of `--to`: after any edits, going back to any state makes the world what it was then, and leaves nothing to do."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import WORKER
from tests.harness import Project, project
from tests.properties.manifests import manifests

_OF_THE_SERVICE = {
    "id",
    "account_id",
    "created_at",
    "updated_at",
    "version",
    "active_rollout_id",
    "health",
    "scheduling_hint",
    "running",
    "deleting",
}


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ),  # shrinking a story of applies takes longer than reading it
)
@given(st.lists(manifests(), min_size=2, max_size=3), st.data())
def test_going_back_makes_the_world_what_it_was(versions: list[dict[str, Any]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder, project(Path(folder)) as made:
        write_folder(Path(folder) / "one", layout_files(image(b"one")))
        write_folder(Path(folder) / "two", layout_files(image(b"two")))
        made.write(WORKER, "worker.js")
        made.environ["TOKEN"] = "t0ken-value"
        worlds = {}
        for version in versions:
            made.write(json.dumps(version, indent=1))
            carry_out(made)
            worlds[made.run("state", "history", "--json").document[0]["serial"]] = world(made)
        for serial in data.draw(st.permutations(sorted(worlds))):
            if is_refused(made, "--to", str(serial)):
                return
            carry_out(made, "--to", str(serial))
            plan = made.plan("--to", str(serial))
            assert plan["changes"] == []
            assert [name for name, one in plan["outputs"].items() if one["before"] != one["after"]] == []
            assert world(made) == worlds[serial]


def carry_out(made: Project, *how: str) -> None:
    plan = made.plan(*how)
    allowed = [word for flag in plan["allow_needed"] for word in flag.split(" ")]
    ended = made.run("apply", "--yes", *how, *allowed)
    assert ended.code == 0, (ended.err, plan)


def is_refused(made: Project, *how: str) -> bool:
    """A worker that is gone takes with it what its secrets were composed of, unless the manifest still says it."""
    problems = [one for one in made.plan(*how)["diagnostics"] if one["severity"] == "error"]
    assert all((one["address"], "DSN" in one["summary"]) == ("worker.edge", True) for one in problems)
    return bool(problems)


def world(made: Project) -> dict[str, Any]:
    """What is there, with names instead of ids; an account secret that nothing uses any more stays, as after any plan."""
    scripts = {one["id"]: one["script"] + one["class"] for one in made.world("namespace")}
    return {
        "applications": {one["name"]: application(one, scripts) for one in made.world("application")},
        "workers": {one["id"] for one in made.world("worker")},
    }


def application(seen: Any, scripts: dict[str, str]) -> dict[str, Any]:
    kept = {key: value for key, value in seen.items() if key not in _OF_THE_SERVICE}
    link = (kept.pop("durable_objects", None) or {}).get("namespace_id")
    return {**without_nothings(kept), "behind": scripts.get(link or "")}


def without_nothings(value: Any) -> Any:
    """What was set once goes back to a default that is said, where nothing was said before; variables have no order."""
    if isinstance(value, dict):
        inner = {key: without_nothings(one) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one}
    if isinstance(value, list):
        return sorted((without_nothings(one) for one in value), key=str)
    return value
