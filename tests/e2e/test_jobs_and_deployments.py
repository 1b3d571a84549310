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


@pytest.mark.parametrize("code", [0, 3])
def test_what_happened_to_a_run_is_shown_to_its_end(shop: Project, code: int) -> None:
    shop.settings(job_exit=[{"command": ["migrate"], "code": code}])
    shop.write(JOBS)
    ended = shop.run("apply", "--yes")
    assert ended.code == (4 if code else 0)
    last = "VMFailed" if code else "VMStopped"
    [line] = [one for one in ended.err.splitlines() if "SchedulerPlaced → " in one and "error" not in one][
        -1:
    ]
    assert line.startswith("job.migrate: ")
    assert f"SchedulerPlaced → ImagePulled → ContainerStarted → {last}" in line


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


ALONE = """\
version: 1
project: shop
images: {api: {archive: image}}
secrets: {db: {from: {env: DB_PASSWORD}}}
deployments:
  edge:
    image: ${images.api}
    location: sfo06
    environment_variables: {LEVEL: info}
    command: [serve]
outputs: {place: "${deployments.edge.location}", id: "${deployments.edge.id}"}
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ci@example"
MORE = "command: [serve]\n    "


def alone(shop: Project) -> Any:
    [deployment] = shop.world("deployment")
    return deployment


def test_a_deployment_is_placed_and_runs(shop: Project) -> None:
    applied(shop, ALONE)
    found = alone(shop)
    assert found["current_placement"]["status"]["health"] == "running"
    assert (found["location"]["name"], found["memory_mib"], found["command"]) == (
        "sfo06",
        256,
        ["serve"],
    )
    assert shop.run("output", "place").out == "sfo06\n"
    assert shop.run("output", "id").out == f"{found['id']}\n"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("location: sfo06", "location: ams02"),
        ("{LEVEL: info}", "{LEVEL: debug}"),
        ("{LEVEL: info}", "{OTHER: x}"),
        ("command: [serve]", "command: [serve, --fast]"),
        (MORE, f"{MORE}entrypoint: [sh]\n    "),
        (MORE, f"{MORE}instance_type: basic\n    "),
        (MORE, f"{MORE}instance_type: {{vcpu: 1, memory_mib: 4096, disk_mb: 5000}}\n    "),
        (MORE, f"{MORE}labels: {{team: shop}}\n    "),
        (MORE, f'{MORE}secrets: {{DB: "${{secrets.db}}"}}\n    '),
        (MORE, f"{MORE}dns: {{servers: [1.1.1.1]}}\n    "),
        (MORE, f"{MORE}observability: {{enabled: true}}\n    "),
    ],
)
def test_what_can_be_modified_is_placed_anew(shop: Project, was: str, becomes: str) -> None:
    applied(shop, ALONE)
    changed = ALONE.replace("command: [serve]\n", MORE + "\n").replace(was, becomes)
    identity = alone(shop)["id"]
    for manifest in (changed, ALONE):
        shop.write(manifest)
        [change] = [one for one in shop.plan()["changes"] if one["kind"] == "deployment"]
        assert (change["action"], change["effect"]) == ("update", "downtime")
        assert [hazard["code"] for hazard in change["hazards"]] == ["DOWNTIME"]
        applied(shop, manifest)
        assert alone(shop)["id"] == identity
    assert alone(shop)["version"] == 2


@pytest.mark.parametrize(
    "more",
    [
        "network: {mode: public, assign_ipv4: account}",
        "ports: {web: {port: 8080}}",
        "ssh: {enabled: true}",
        f"authorized_keys: {{ci: {KEY}}}",
        f"trusted_user_ca_keys: {{ca: {KEY}}}",
        "provisioner: {type: none}",
        "experimental_flags: [fast]",
    ],
)
def test_what_cannot_be_modified_gives_a_new_id(shop: Project, more: str) -> None:
    applied(shop, ALONE)
    for manifest in (ALONE.replace("outputs:", f"    {more}\noutputs:"), ALONE):
        before, since = alone(shop)["id"], shop.last_request()
        shop.write(manifest)
        [change] = shop.plan()["changes"]
        assert (change["action"], change["effect"]) == ("replace", "downtime")
        applied(shop, manifest)
        assert alone(shop)["id"] != before
        assert any(path.endswith("/recreate") for _, path in shop.requests(since))


def test_an_address_is_an_output(shop: Project) -> None:
    public = ALONE.replace("outputs:", "    network: {mode: public, assign_ipv4: account}\noutputs:")
    applied(shop, public.replace("${deployments.edge.id}", "${deployments.edge.ipv4}"))
    assert shop.run("output", "id").out == f"{alone(shop)['network']['ipv4']}\n"


def test_what_a_hand_changed_is_put_back_and_what_it_added_stays(shop: Project) -> None:
    applied(shop, ALONE)
    variables = [{"name": "LEVEL", "value": "loud"}, {"name": "THEIRS", "value": "x"}]
    shop.by_hand(
        "PATCH", f"containers/deployments/{alone(shop)['id']}/v2", {"environment_variables": variables}
    )
    assert shop.actions() == {"deployment.edge": "update"}
    applied(shop, ALONE)
    known = {one["name"]: one["value"] for one in alone(shop)["environment_variables"]}
    assert known == {"LEVEL": "info", "THEIRS": "x"}
    shop.by_hand("DELETE", f"containers/deployments/{alone(shop)['id']}/v2")
    assert shop.actions() == {"deployment.edge": "create"}
    applied(shop, ALONE)


@pytest.mark.parametrize("fault", ["after", "before"])
def test_a_lost_answer_makes_one_deployment(shop: Project, fault: str) -> None:
    shop.faults({"method": "POST", "path": "/deployments/v2$", "fault": {"drop": fault}})
    applied(shop, ALONE)
    alone(shop)
    shop.faults({"method": "POST", "path": "/recreate$", "fault": {"drop": fault}})
    applied(shop, ALONE.replace("outputs:", "    ssh: {enabled: true}\noutputs:"))
    alone(shop)


def test_a_container_that_does_not_come_up_fails_the_step(shop: Project) -> None:
    shop.settings(unhealthy=[{"image": image(b"layer one").top.digest}])
    shop.write(ALONE)
    ended = shop.run("apply", "--yes")
    assert (ended.code, "its container failed" in ended.err) == (4, True), ended.err


def test_a_container_that_does_not_run_is_seen_again_and_placed_anew(shop: Project) -> None:
    shop.settings(unhealthy=[{"image": image(b"layer one").top.digest}])
    shop.write(ALONE)
    shop.run("apply", "--yes")
    made, since = alone(shop), shop.last_request()
    [change] = shop.plan()["changes"]
    assert (change["action"], change["effect"]) == ("update", "none")
    assert change["reason"] == "its container does not run, and is placed anew"
    assert shop.run("apply", "--yes").code == 4, "it fails for as long as it does not come up"
    shop.settings(unhealthy=[])
    assert shop.actions() == {"deployment.edge": "update"}
    shop.apply()
    assert shop.actions() == {}
    assert alone(shop)["id"] == made["id"]
    writes = [path.rpartition("/")[0] for method, path in shop.requests(since) if method != "GET"]
    assert {path.rpartition("/")[2] for path in writes if "/v2/" not in path} == {"placements"}


def test_what_is_to_change_comes_up_with_the_change(shop: Project) -> None:
    shop.settings(unhealthy=[{"image": image(b"layer one").top.digest}])
    shop.write(ALONE)
    shop.run("apply", "--yes")
    shop.settings(unhealthy=[])
    since = shop.last_request()
    shop.write(ALONE.replace("command: [serve]", "command: [serve, --well]"))
    shop.apply()
    assert not [path for _, path in shop.requests(since) if "/placements/" in path]
    assert shop.actions() == {}


def test_a_deployment_leaves_with_its_block_and_with_destroy(shop: Project) -> None:
    applied(shop, ALONE)
    shop.write(ALONE[: ALONE.index("deployments:")])
    assert shop.actions()["deployment.edge"] == "delete"
    shop.apply()
    assert shop.world("deployment") == []
    applied(shop, ALONE)
    assert shop.run("destroy", "--yes").code == 0
    assert shop.world("deployment") == []


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("    location: sfo06\n", "", "it has no location"),
        ("    image: ${images.api}\n", "", "it has no image"),
        (MORE, MORE + "labels: {reconciler-operation: x}\n    ", "is set for every deployment"),
        (MORE, MORE + "instance_type: {vcpu: 9}\n    ", "is more than"),
    ],
)
def test_what_cannot_be_placed_is_said_before(shop: Project, was: str, becomes: str, said: str) -> None:
    shop.write(ALONE.replace("command: [serve]\n", MORE + "\n").replace(was, becomes))
    ended = shop.run("validate")
    assert (ended.code, said in ended.err) == (1, True), ended.err


def test_a_place_that_the_account_has_not_is_named_with_what_to_do(shop: Project) -> None:
    shop.write(ALONE.replace("sfo06", "moon01"))
    ended = shop.run("apply", "--yes")
    said = 'the account has no location "moon01"; there are ams02, dxb01, '
    assert (ended.code, said in ended.err) == (1, True), ended.err
    assert shop.world("manifest") == [], "nothing was touched"


def test_what_is_made_before_the_old_one_goes_stays_known(shop: Project) -> None:
    using = ALONE.replace("command: [serve]\n", f'{MORE}secrets: {{DB: "${{secrets.db}}"}}\n')
    applied(shop, using)
    applied(shop, using.replace("{from:", "{name: other, from:"))
    assert [one["name"] for one in shop.world("secret")] == ["other"]
    assert "secret.db" in shop.run("state", "list").out
