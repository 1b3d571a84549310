"""What the tests of `rollout`, `rollback` and `restart` begin with: an application without a class, and versions of it."""

from __future__ import annotations

import json
from typing import Any

from tests.harness import Project
from tests.kinds.application_bench import HEAD, change_in

BASE = """
images:
  one: {{archive: one}}
  two: {{archive: two}}
applications:
  api: {{image: "${{images.{image}}}", instances: 4, max_instances: 4, {more}}}
"""
BROKEN = "version: 1\nproject: shop\napplications: {api: {image: [\n"


def manifest(image: str = "one", variable: str = "", **more: Any) -> str:
    """A version: an image, a variable, and how it is rolled out."""
    keys = {"environment_variables": f"{{A: '{variable}'}}", **more} if variable else more
    return HEAD + BASE.format(image=image, more=", ".join(f"{key}: {value}" for key, value in keys.items()))


def running(made: Project) -> set[tuple[str, str]]:
    """Which images instances run, and with which value of A."""
    (application,) = made.world("application")
    fleet = made.server.world.get("_fleet", application["account_id"], application["id"])
    assert fleet is not None
    configurations = [fleet["versions"][str(int(run[0]))]["configuration"] for run in fleet["runs"]]
    return {(one["image"].rpartition(":")[2][:6], _variable(one)) for one in configurations}


def configured(made: Project) -> tuple[str, str]:
    """What new instances would run."""
    (application,) = made.world("application")
    configuration = application["configuration"]
    return configuration["image"].rpartition(":")[2][:6], _variable(configuration)


def _variable(configuration: dict[str, Any]) -> str:
    return "".join(
        one["value"] for one in configuration.get("environment_variables", []) if one["name"] == "A"
    )


def versions(made: Project, *texts: str) -> None:
    """Applies one version after the other."""
    for text in texts:
        made.write(text)
        made.apply()


def fails(made: Project, image: str) -> None:
    """Lets every instance of an image fail."""
    top = json.loads((made.folder / image / "index.json").read_text())["manifests"][0]
    made.settings(unhealthy=[{"image": top["digest"]}])


def notes(made: Project) -> str:
    """What the next plan says of the application."""
    return "\n".join(change_in(made.plan())["notes"])
