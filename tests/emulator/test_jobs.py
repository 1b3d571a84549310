from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.cloud import IMAGE, Cloud


@pytest.fixture
def path(cloud: Cloud) -> str:
    variables = [{"name": "A", "value": "app"}, {"name": "B", "value": "app"}]
    configuration = {"instance_type": "basic", "environment_variables": variables}
    application = cloud.application(jobs=True, instances=0, configuration=configuration)
    return f"applications/{application['id']}"


def wish(**fields: Any) -> dict[str, Any]:
    return {"entrypoint": ["run"], "command": ["migrate"], **fields}


def test_a_job_runs_to_its_end(cloud: Cloud, path: str) -> None:
    created = cloud.post(f"{path}/jobs", wish()).result
    item = f"{path}/jobs/{created['id']}"
    assert (created["status"], created["image"], created["vcpus"]) == (
        {"health": "Queued"},
        f"{IMAGE}:1",
        0.25,
    )
    assert created["memory_mb"] == created["memory_mib"] == 1024
    cloud.wait(0.5)
    assert cloud.get(item).result["status"] == {"health": "Running"}
    cloud.wait(0.5)
    ended = cloud.get(item).result
    assert ended["status"] == {"health": "Stopped", "exit_code": 0}
    assert [event["name"] for event in ended["events"]][-1] == "VMStopped"


@pytest.mark.parametrize(
    ("settings", "fields", "code"),
    [
        ({"job_exit": [{"command": ["migrate"], "code": 3}]}, {}, 3),
        ({"job_exit": [{"command": ["other"], "code": 3}]}, {}, 0),
        ({"unhealthy": [{"image": "1"}]}, {}, 1),
        ({"job_seconds": 60}, {"timeout": 30}, 124),
    ],
)
def test_how_a_job_ends(
    cloud: Cloud, path: str, settings: dict[str, Any], fields: dict[str, Any], code: int
) -> None:
    cloud.settings(**settings)
    created = cloud.post(f"{path}/jobs", wish(**fields)).result
    cloud.wait(30)
    status = cloud.get(f"{path}/jobs/{created['id']}").result["status"]
    assert status == {"health": "Stopped", "exit_code": code}


def test_a_job_overrides_variables_and_never_tells_secrets(cloud: Cloud, path: str) -> None:
    fields = {
        "environment_variables": [{"name": "B", "value": "job"}],
        "secrets": [{"name": "KEY", "type": "env", "value": "hush-hush"}],
    }
    created = cloud.post(f"{path}/jobs", wish(**fields)).result
    values = {item["name"]: item["value"] for item in created["environment_variables"]}
    assert values == {"A": "app", "B": "job"}
    assert created["secrets"] == [{"name": "KEY", "type": "env"}]
    for page in ("ledger", "world"):
        assert b"hush-hush" not in cloud.get(f"/emulator/{page}").body


def test_a_job_is_told_to_stop(cloud: Cloud, path: str) -> None:
    item = f"{path}/jobs/{cloud.post(f'{path}/jobs', wish()).result['id']}"
    stopped = cloud.patch(item, {"terminate": True}).result
    assert (stopped["terminate"], stopped["status"]["health"]) == (True, "Stopped")
    cloud.wait(10)
    assert cloud.get(item).result == stopped
    assert cloud.patch(item, {"image": "x"}).status == 400


def test_the_status_map_lists_the_jobs(cloud: Cloud, path: str) -> None:
    ids = [cloud.post(f"{path}/jobs", wish()).result["id"] for _ in range(2)]
    found = cloud.get(f"{path}/status").result
    assert (list(found["jobs"]), found["scheduler"]) == (ids, {"queued": 2, "running": 0})
    assert cloud.delete(f"{path}/jobs/{ids[0]}").status == 200
    assert list(cloud.get(f"{path}/status").result["jobs"]) == ids[1:]
    assert cloud.get(f"{path}/jobs/{ids[0]}").error == "Job not found"


def test_only_a_jobs_application_takes_jobs(cloud: Cloud, path: str) -> None:
    other = cloud.application("other")
    assert cloud.post(f"applications/{other['id']}/jobs", wish()).error == "JOB_CREATE_NOT_ALLOWED"
    assert cloud.post(f"{path}/jobs", {"command": []}).error == "VALIDATE_INPUT"


def test_jobs_go_with_their_application(cloud: Cloud, path: str) -> None:
    cloud.post(f"{path}/jobs", wish())
    cloud.delete(path)
    cloud.wait(100)
    assert cloud.get("/emulator/world").json == {}
