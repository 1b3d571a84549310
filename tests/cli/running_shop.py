"""A project with something of everything that runs: instances behind a class and without one, a deployment, jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.model.address import ResourceAddress
from reconciler.model.event import Event, StepLeftUnsettled
from reconciler.model.resource import Pending
from reconciler.storage.identity import Identity
from reconciler.storage.local_store import LocalStore
from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import WORKER
from tests.harness import Project, project

MANIFEST = """\
version: 1
project: shop
images: {api: {archive: image}}
secrets: {db: {from: {env: DB_PASSWORD}}}
workers:
  edge: {main: worker.js, compatibility_date: "2026-10-01", bindings: {API: "${applications.api}"}}
applications:
  api: {image: "${images.api}", class_name: Api, instance_type: standard-1, max_instances: 2}
  tasks: {image: "${images.api}", jobs: true, instances: 0}
  web: {image: "${images.api}", instances: 1}
deployments:
  proxy: {image: "${images.api}", location: ams02, network: {mode: public, assign_ipv4: predefined}}
jobs:
  purge: {application: "${applications.tasks}", command: [purge]}
  migrate:
    application: ${applications.tasks}
    command: [migrate]
    secrets: {DATABASE_URL: "postgres://app:${secrets.db}@db/app"}
outputs: {purged: "${jobs.purge.id}"}
"""
BROKEN = "version: ["
PURGE = ResourceAddress("job", "purge")


@contextmanager
def running_shop(folder: Path) -> Iterator[Project]:
    """The project, applied."""
    with project(folder) as made:
        write_folder(folder / "image", layout_files(image(b"layer one")))
        made.write(WORKER, "worker.js")
        made.environ["DB_PASSWORD"] = "s3cret-value"
        made.environ["COLUMNS"] = "80"
        made.write(MANIFEST)
        made.apply()
        yield made


def memory(running: Project) -> LocalStore:
    """What the project remembers."""
    return LocalStore(running.folder / "state", Identity("shop"))


def record(running: Project, *events: Event, finished: bool = True) -> None:
    """Remembers events as a run does; one that is not finished was cut off."""
    store = memory(running)
    with store.lock("test"):
        state = store.read()
        assert state is not None
        state = store.begin_run(state, "earlier")
        store.append(events)
        if finished:
            store.commit(state.after(events))


def start_by_hand(running: Project, run: str = "r1") -> dict[str, Any]:
    """Starts a run of the job `purge` as the tool would, under this id of its own."""
    application = next(one["id"] for one in running.world("application") if one["name"] == "shop-tasks")
    body = {
        "entrypoint": [],
        "command": ["purge"],
        "environment_variables": [{"name": "RECONCILER_RUN", "value": run}],
    }
    known = {one["id"] for one in running.world("job")}
    running.by_hand("POST", f"containers/applications/{application}/jobs", body)
    return next(dict(one) for one in running.world("job") if one["id"] not in known)


def leave_under_way(running: Project) -> dict[str, Any]:
    """A run of the job `purge` that an interrupted command has left under way."""
    job = start_by_hand(running)
    state = memory(running).read()
    assert state is not None
    pending = Pending(PURGE, "job", {"application": job["app_id"], "job": job["id"]}, job["created_at"])
    prior = replace(state.resources[PURGE], identity=f"{job['app_id']}/{job['id']}", pending=(pending,))
    record(running, StepLeftUnsettled(PURGE, "run", "op", prior, pending, "interrupted"))
    return job


def lines(text: str) -> list[list[str]]:
    """The lines of a table, each as its cells."""
    return [line.split() for line in text.splitlines()]
