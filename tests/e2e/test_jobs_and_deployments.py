"""Runs to completion, and containers that stand alone: made, changed field by field, forgotten or removed, destroyed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.images import image, layout_files, write_folder
from tests.harness import Project

JOBS = """\
version: 1
project: shop
images: {api: {archive: image}}
secrets: {db: {from: {env: DB_PASSWORD}}}
applications:
  tasks: {image: "${images.api}", jobs: true, instances: 0}
  web: {image: "${images.api}", instances: 1, depends_on: [job.migrate]}
jobs:
  migrate:
    application: ${applications.tasks}
    command: [migrate]
    environment_variables: {LEVEL: info}
    secrets: {DATABASE_URL: "postgres://app:${secrets.db}@db/app"}
"""
FAILS = {"job_exit": [{"command": ["migrate"], "code": 3}]}


def runs(shop: Project) -> list[Any]:
    """All jobs, with their variables as a map."""
    return [
        {**job, "variables": {one["name"]: one["value"] for one in job["environment_variables"]}}
        for job in shop.world("job")
    ]


def applied(shop: Project, manifest: str = JOBS) -> None:
    shop.write(manifest)
    shop.apply()
    assert shop.actions() == {}


def test_a_job_runs_once_and_what_depends_on_it_waits(shop: Project) -> None:
    shop.write(JOBS)
    assert shop.actions()["job.migrate"] == "run"
    applied(shop)
    [job] = runs(shop)
    assert (job["status"], job["command"]) == ({"health": "Stopped", "exit_code": 0}, ["migrate"])
    assert job["variables"] == {"LEVEL": "info", "RECONCILER_RUN": job["variables"]["RECONCILER_RUN"]}
    assert job["image"] == shop.world("application")[0]["configuration"]["image"]
    writes = [path.rpartition("/")[2] for method, path in shop.requests() if method == "POST"]
    assert writes.index("jobs") < len(writes) - 1 - writes[::-1].index("applications")


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("command: [migrate]", "command: [migrate, --all]"),
        ("command: [migrate]", "entrypoint: [sh]\n    command: [migrate]"),
        ("LEVEL: info}\n", "LEVEL: debug}\n"),
        ("environment_variables: {LEVEL: info}\n", "timeout: 10m\n"),
        ("command: [migrate]", "command: [migrate]\n    instance_type: basic"),
        ("command: [migrate]", "command: [migrate]\n    instance_type: {vcpu: 1, memory_mib: 3072}"),
        ("    secrets: {DATABASE_URL", "    secrets: {OTHER"),
    ],
)
def test_another_input_is_another_run_and_so_is_its_removal(shop: Project, was: str, becomes: str) -> None:
    applied(shop)
    changed = JOBS.replace(was, becomes)
    assert changed != JOBS
    for manifest, count in ((changed, 2), (JOBS, 3)):
        shop.write(manifest)
        [change] = shop.plan()["changes"]
        assert (change["address"], change["action"], change["effect"]) == ("job.migrate", "run", "none")
        applied(shop, manifest)
        assert len(runs(shop)) == count


def test_another_image_and_a_rotated_secret_are_inputs_too(shop: Project) -> None:
    applied(shop)
    shop.environ["DB_PASSWORD"] = "another-value"
    assert "(sensitive, changed)" in shop.run("plan").out
    assert shop.actions() == {"secret.db": "update", "job.migrate": "run"}
    applied(shop)
    write_folder(shop.folder / "image", layout_files(image(b"layer two")))
    assert shop.actions()["job.migrate"] == "run"
    applied(shop)
    assert len(runs(shop)) == 3
    for path in shop.folder.rglob("*"):
        if path.is_file():
            assert b"another-value" not in path.read_bytes(), path


def test_a_failed_run_stops_what_waits_and_its_inputs_count_for_nothing(shop: Project) -> None:
    applied(shop)
    shop.settings(**FAILS)
    other = JOBS.replace("LEVEL: info", "LEVEL: debug").replace("web: {", "web: {command: [serve], ")
    shop.write(other)
    ended = shop.run("apply", "--yes")
    assert (ended.code, "it ended with 3" in ended.err) == (4, True), ended.err
    assert shop.actions() == {"job.migrate": "run", "application.web": "update"}
    shop.write(JOBS)
    assert shop.actions() == {}
    shop.settings(job_exit=[])
    applied(shop, other)
    assert len(runs(shop)) == 3


def test_a_run_over_its_timeout_fails(shop: Project) -> None:
    shop.settings(job_seconds=30)
    shop.write(JOBS.replace("command: [migrate]", "command: [migrate]\n    timeout: 5"))
    ended = shop.run("apply", "--yes")
    assert (ended.code, "its timeout (5 s)" in ended.err) == (4, True), ended.err
    assert [one["name"] for one in shop.world("application")] == ["shop-tasks"]


def test_once_is_once_and_always_never_alone(shop: Project) -> None:
    once = JOBS.replace("command: [migrate]", "run: once\n    command: [migrate]")
    applied(shop, once)
    applied(shop, once.replace("LEVEL: info", "LEVEL: debug"))
    assert len(runs(shop)) == 1
    always = JOBS.replace("command: [migrate]", "run: always\n    command: [migrate]")
    applied(shop, always)
    assert len(runs(shop)) == 1
    shop.write(always.replace("web: {", "web: {max_instances: 3, "))
    assert shop.actions() == {"job.migrate": "run", "application.web": "update"}
    shop.apply()
    assert (shop.actions(), len(runs(shop))) == ({}, 2)


def test_a_failed_run_of_always_is_owed(shop: Project) -> None:
    always = JOBS.replace("command: [migrate]", "run: always\n    command: [migrate]")
    applied(shop, always)
    shop.settings(**FAILS)
    shop.write(always.replace("web: {", "web: {max_instances: 3, "))
    assert shop.run("apply", "--yes").code == 4
    shop.settings(job_exit=[])
    assert shop.actions() == {"job.migrate": "run", "application.web": "update"}
    shop.apply()
    assert shop.actions() == {}


@pytest.mark.parametrize("fault", ["after", "before"])
def test_a_lost_answer_starts_no_second_run(shop: Project, fault: str) -> None:
    shop.faults({"method": "POST", "path": "/jobs$", "fault": {"drop": fault}})
    applied(shop)
    assert len(runs(shop)) == 1


def test_with_on_lost_stop_a_run_that_nobody_knows_of_stops(shop: Project) -> None:
    shop.faults({"method": "POST", "path": "/jobs$", "fault": {"drop": "before"}})
    shop.write(JOBS.replace("command: [migrate]", "on_lost: stop\n    command: [migrate]"))
    ended = shop.run("apply", "--yes")
    assert (ended.code, "RECONCILER_RUN" in ended.err, runs(shop)) == (4, True, []), ended.err
    shop.apply()
    assert len(runs(shop)) == 1


def test_out_of_the_manifest_it_is_forgotten(shop: Project) -> None:
    applied(shop)
    shop.write(JOBS[: JOBS.index("jobs:\n")].replace(", depends_on: [job.migrate]", ""))
    assert shop.actions()["job.migrate"] == "forget"
    shop.apply()
    assert (shop.actions(), len(runs(shop))) == ({}, 1)
    shop.write(JOBS)
    shop.apply()
    assert shop.run("destroy", "--yes").code == 0
    assert (shop.run("state", "list").out, shop.world("application")) == ("", [])


def test_a_run_that_was_started_elsewhere_is_taken_over(shop: Project) -> None:
    applied(shop)
    [job] = runs(shop)
    assert shop.run("state", "rm", "job.migrate", "--yes").code == 0
    identity = f"{job['app_id']}/{job['id']}"
    ended = shop.run("import", "job.migrate", identity)
    assert ended.code == 0, ended.err
    assert shop.actions() == {"job.migrate": "update"}
    applied(shop)
    assert shop.run("state", "rm", "job.migrate", "--yes").code == 0
    shop.write(f'{JOBS}imports: [{{to: job.migrate, id: "{identity}"}}]\n')
    assert shop.actions() == {"job.migrate": "adopt"}
    shop.apply()
    assert (shop.actions(), len(runs(shop))) == ({}, 1)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (", jobs: true", "", "it lacks `jobs: true`"),
        ("application: ${applications.tasks}\n", "run: once\n", "names no application"),
        ("${applications.tasks}", "nobody", "names none of this manifest"),
        ("{LEVEL: info}", "{RECONCILER_RUN: mine}", "set for every run"),
        ("{LEVEL: info}", "{DATABASE_URL: x}", "is among `environment_variables` too"),
    ],
)
def test_what_cannot_run_is_said_before(shop: Project, was: str, becomes: str, said: str) -> None:
    shop.write(JOBS.replace(was, becomes))
    ended = shop.run("validate")
    assert (ended.code, said in ended.err) == (1, True), ended.err
