"""What is read and never written: every command answers with one JSON document, whatever the manifest, and can be watched."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.cli import watching
from tests.cli.running_shop import BROKEN
from tests.harness import Project

WORDS: dict[str, dict[str, type]] = {
    "instances api": {"address": str, "intended_version": int, "by_state": dict, "instances": list},
    "placements": {"placements": list},
    "placements --events": {"placements": list},
    "ips": {"ips": list},
    "account": {"account_id": str, "limits": list, "locations": list, "consumers": list},
    "rollout status web": {"address": str, "version": int, "instances_by_version": dict, "commands": list},
    "jobs status": {"jobs": list},
    "status": {"project": str, "serial": int, "resources": list, "pending": list},
}
READING = sorted(WORDS)
WATCHED = [one for one in READING if one != "account"]


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("manifest", ["as applied", "broken"])
def test_each_is_one_document(running: Project, command: str, manifest: str) -> None:
    if manifest == "broken":
        running.write(BROKEN)
    ended = running.run(*command.split(), "--json")
    assert ended.code == 0, ended.err
    document: dict[str, Any] = ended.document
    kinds = WORDS[command]
    assert {key: type(document.get(key)) for key in kinds} == kinds


@pytest.mark.parametrize("command", READING)
def test_none_of_them_writes(running: Project, command: str) -> None:
    since, state = running.last_request(), (running.folder / "state" / "default.json").read_bytes()
    running.run(*command.split())
    assert {method for method, _ in running.requests(since)} <= {"GET", "HEAD"}
    assert (running.folder / "state" / "default.json").read_bytes() == state


@pytest.mark.parametrize("command", WATCHED)
def test_each_can_be_watched(running: Project, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "pause", stop)
    once = running.run(*command.split())
    ended = running.run(*command.split(), "--watch")
    assert (ended.code, len(ended.out.splitlines())) == (0, len(once.out.splitlines()))


def test_what_moves_is_shown_again_while_it_is_watched(
    running: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def change(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) > 1:
            raise KeyboardInterrupt
        deployment = next(one for one in running.world("deployment") if not one.get("app_id"))
        running.by_hand("DELETE", f"containers/deployments/{deployment['id']}/v2")

    monkeypatch.setattr(watching, "pause", change)
    out = running.run("placements", "--watch").out
    before, after = out.split("\n\n", 1)
    assert "deployment.proxy" in before
    assert before != after
