"""Exit codes, refusals and interrupts: how a command ends, and what is then on record."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.e2e.shop import SHOP
from tests.harness import Project


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("request_number", [3, 9, 14])
def test_a_wish_to_stop_leaves_a_record_to_go_on_from(
    shop: Project, request_number: int, number: int
) -> None:
    shop.write(SHOP)
    shop.faults({"fault": {"delay": 0.05}, "times": 0})
    since = shop.last_request()
    with shop.process("apply", "--yes") as process:
        shop.await_requests(since, request_number, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "stopping" in err
    assert "Traceback" not in err
    shop.faults()
    assert not list((shop.folder / "state").glob("*.lock"))
    shop.apply()
    assert shop.actions() == {}
    assert len(shop.world("application")) == 1


def test_a_second_ctrl_c_stops_at_once(shop: Project) -> None:
    shop.write(SHOP)
    shop.faults({"method": "PUT", "path": "/workers/scripts", "fault": {"delay": 30}})
    since = shop.last_request()
    with shop.process("apply", "--yes") as process:
        while process.poll() is None and not any(
            it == "PUT" and "scripts" in at for it, at in shop.requests(since)
        ):
            pass
        process.send_signal(signal.SIGINT)
        while "stopping" not in (process.stderr.readline() if process.stderr else "stopping"):
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 130
    shop.faults()
    shop.apply()
    assert shop.actions() == {}


def test_applied_in_part_is_4_and_running_again_goes_on(shop: Project) -> None:
    shop.write(SHOP)
    shop.faults(
        {
            "method": "POST",
            "path": "/containers/applications$",
            "times": 0,
            "fault": {"status": 400, "body": {}},
        }
    )
    ended = shop.run("apply", "--yes")
    assert ended.code == 4
    assert "application.api" in ended.err
    shop.faults()
    assert shop.actions() == {"application.api": "create"}
    shop.apply()


def test_failed_before_anything_was_done_is_1(shop: Project) -> None:
    shop.write(SHOP)
    (shop.folder / "state").write_text("in the way")
    ended = shop.run("apply", "--yes")
    assert ended.code == 1
    assert shop.world("worker") == []


def test_events_come_one_to_a_line(shop: Project) -> None:
    shop.write(SHOP)
    ended = shop.run("apply", "--yes", "--json")
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert {it["event"] for it in events} >= {"StepBegun", "StepSucceeded"}
    assert "s3cret-value" not in ended.out + ended.err


def test_a_held_lock_is_a_refusal_that_names_the_holder(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    shop.write(SHOP.replace("max_instances: 4", "max_instances: 5"))
    shop.faults({"method": "PATCH", "path": "/containers/applications/", "fault": {"delay": 30}})
    since = shop.last_request()
    with shop.process("apply", "--yes") as process:
        while process.poll() is None and ("PATCH" not in {it for it, _ in shop.requests(since)}):
            pass
        refused = shop.run("apply", "--yes")
        assert refused.code == 3
        assert str(process.pid) in refused.err
        process.kill()
        process.communicate()
    shop.faults()
    shop.apply()
    assert shop.world("application")[0]["max_instances"] == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds nothing"),
        ("version: 1\n", "project"),
        ("- a\n", "no map"),
        ("version: 1\nproject: x\nproject: y\n", "a second time"),
        ("a: {b: ${x.y}}\n", "quote"),
        ("\tversion: 1\n", "tab"),
        ("version: 2\nproject: x\n", "version"),
        ("version: 1\nproject: x\nimages: {a: {image: 'n:1'}, a: {image: 'n:2'}}\n", "a second time"),
        (
            "version: 1\nproject: x\napplications: {a: {image: '${applications.b.id}'}, b: {image: '${applications.a.id}'}}\n",
            "waits for",
        ),
    ],
)
def test_bad_input_gets_a_message_and_touches_nothing(shop: Project, text: str, said: str) -> None:
    shop.write(text)
    ended = shop.run("apply", "--yes")
    assert ended.code == 1, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert shop.requests() == []


def test_a_missing_manifest_says_what_to_do(tmp_path: Path, shop: Project) -> None:
    ended = shop.run("plan", "-f", "nowhere.yaml")
    assert (ended.code, "nowhere.yaml" in ended.err) == (1, True)


def test_an_empty_manifest_does_not_destroy_by_accident(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    shop.write("version: 1\nproject: shop\n")
    refused = shop.run("apply", "--yes", "--allow", "DELETES_DATA")
    assert refused.code == 3
    assert "--allow-destroy 3" in refused.err
    assert shop.run("apply", "--yes", "--allow", "DELETES_DATA", "--allow-destroy", "2").code == 3
    assert shop.run("apply", "--yes", "--allow", "DELETES_DATA", "--allow-destroy", "3").code == 0
    assert shop.world("worker") == []


def test_another_account_is_refused(shop: Project) -> None:
    shop.write(SHOP)
    shop.apply()
    shop.write(f"account_id: {'b' * 32}\n{SHOP}")
    ended = shop.run("apply", "--yes")
    assert (ended.code, "account" in ended.err) == (3, True)


def test_a_state_in_ci_must_be_meant(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write(SHOP)
    monkeypatch.setenv("CI", "true")
    assert shop.run("apply", "--yes").code == 0  # an API on loopback is nobody's production


def test_a_create_that_failed_half_way_is_gone_on_with(shop: Project) -> None:
    shop.write(SHOP)
    shop.faults(
        {"method": "PATCH", "path": "/secrets-bulk", "times": 0, "fault": {"status": 400, "body": {}}}
    )
    assert shop.run("apply", "--yes").code == 4
    shop.faults()
    assert shop.actions()["worker.edge"] == "update"
    shop.apply()
    assert shop.actions() == {}
    assert len(shop.world("worker")) == 1


def test_what_the_service_keeps_is_said_once(shop: Project) -> None:
    with_affinities = SHOP.replace(
        "    class_name: Api\n", "    class_name: Api\n    affinities: {colocation: datacenter}\n"
    )
    shop.write(with_affinities)
    shop.apply()
    shop.write(SHOP)
    [change] = shop.plan()["changes"]
    assert (change["action"], change["effect"]) == ("update", "none")
    assert "the service keeps it" in shop.run("plan").out
    shop.apply()
    assert shop.actions() == {}
    assert shop.world("application")[0]["affinities"] == {"colocation": "datacenter"}
