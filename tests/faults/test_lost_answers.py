"""A fault at every single write: what was done is found again, what was not is done, and nothing is done twice.

Every write of three stories that touch every kind (tests/faults/everything.py) meets every fault that the network and the
service have; compared are the world and what was ever made, by the ledger.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.conftest import Record
from tests.faults.forks import Forks, forks
from tests.faults.trials import Bench, begin, begun, bench, made, ran
from tests.harness import Project
from tests.kinds.fields.samples import ed25519

LONG = bool(os.environ.get("RECONCILER_LONG"))
FAULTS: dict[str, dict[str, Any]] = {
    "dropped before the work": {"drop": "before"},
    "dropped after the work": {"drop": "after"},
    "429 with Retry-After": {"status": 429, "headers": {"Retry-After": "20"}, "body": {}},
    "429 without Retry-After": {"status": 429, "body": {}},
    "500": {"status": 500, "body": {}},
    "503": {"status": 503, "body": {}},
    "a proxy's HTML page": {"html": True},
    "a slow answer": {"delay": 0.3},
}
WRITES = {"POST": 31, "PUT": 13, "PATCH": 13, "DELETE": 19}
"""How many of each the plan of every kind sends."""
PARTS = 6
LOST_AFTER = "dropped after the work"
EXACTLY_ONE = "exactly one object, its id known, {:.0f} extra reads at most"
CROWD = ("secret", "ssh_public_key", "registry_protocol", "application", "deployment")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("trials")) as made:
        yield made


def some(part: int) -> list[tuple[str, int]]:
    """Writes by method and number; a part of them, or a few."""
    every = [(method, number) for method, count in WRITES.items() for number in range(count)]
    return every[part::PARTS] if LONG else Random(part).sample(every, 1)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS if LONG else 1))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_a_write(trials: Bench, fault: str, part: int, record: Record) -> None:
    struck = 0
    for method, number in some(part):
        rule = {"method": method, "after": number, "fault": FAULTS[fault]}
        first, _ = trials.trial("change", {}, faults=[rule])
        assert first.code in (0, 1, 4), first.said
        assert "Traceback" not in first.said
        struck += 1
    what = f"a write of a plan of every kind: {fault}"
    record(8, what, struck, "in the same run or the next: 0 duplicates, 0 orphans, nothing lost")


# Answers lost after the work, where nothing else asks: the reads are counted.

FEW: dict[str, Any] = {
    "version": 1,
    "project": "few",
    "secrets": {"one": {"from": {"env": "ONE"}, "targets": ["account"]}},
    "ssh_public_keys": {"one": {"public_key": ed25519(1)}},
    "registry_protocols": {"one": {"domains": [{"domain": "docker.io", "path": "one"}]}},
}
OTHERWISE: dict[str, Any] = {
    **FEW,
    "secrets": {"one": {"from": {"env": "TWO"}, "targets": ["account"]}},
    "registry_protocols": {"one": {"domains": [{"domain": "docker.io", "path": "two"}]}},
}
LOST = [
    ("POST", "/secrets$", FEW, "secret"),
    ("POST", "/ssh-public-keys$", FEW, "ssh_public_key"),
    ("POST", "/registries/protos$", FEW, "registry_protocol"),
    ("PATCH", "/secrets/", OTHERWISE, "secret"),
    ("PUT", "/registries/protos/", OTHERWISE, "registry_protocol"),
    ("DELETE", "/secrets/", {"version": 1, "project": "few"}, "secret"),
    ("DELETE", "/ssh-public-keys/", {"version": 1, "project": "few"}, "ssh_public_key"),
    ("DELETE", "/registries/protos/", {"version": 1, "project": "few"}, "registry_protocol"),
]


def applied(project: Project, server: Forks, manifest: Mapping[str, Any], *faults: Mapping[str, Any]) -> int:
    """Applies a manifest with faults; gives how many reads that took."""
    project.write(json.dumps(manifest))
    since = project.last_request()
    project.faults(*faults)
    ended = ran(server, project, "apply", "--yes", "--allow-destroy", "3")
    project.faults()
    assert ended.code == 0, ended.said
    return sum(method in ("GET", "HEAD") for method, _ in project.requests(since))


@pytest.mark.parametrize(("method", "path", "manifest", "kind"), LOST)
def test_a_lost_answer_costs_at_most_two_reads(
    tmp_path: Path, method: str, path: str, manifest: Mapping[str, Any], kind: str, record: Record
) -> None:
    with forks() as server:
        reads = []
        for number, faults in enumerate(([], [{"method": method, "path": path, "fault": {"drop": "after"}}])):
            with begun(begin(tmp_path / f"start{number}", FEW), tmp_path / "run", server.rate) as project:
                if manifest is not FEW:
                    applied(project, server, FEW)
                since = project.last_request()
                reads.append(applied(project, server, manifest, *faults))
                assert len(project.world(kind)) == (method != "DELETE")
                assert made(project, since).total() == (3 if manifest is FEW else 0)
                assert ran(server, project, "plan", "--detailed-exitcode").code == 0
    extra = reads[1] - reads[0]
    assert extra <= 2
    record(7, "POST, PATCH, PUT or DELETE done, and its answer lost", 1, EXACTLY_ONE, worst=extra)


def crowd(size: int, number: int) -> dict[str, Any]:
    """Resources of every way in which a lost create is found again, under names of their own."""
    keys = [f"r{number}-{one}" for one in range(size)]
    return {
        "version": 1,
        "project": "crowd",
        "images": {"one": {"archive": "image-1"}},
        "secrets": {key: {"from": {"env": "ONE"}, "targets": ["account"]} for key in keys},
        "ssh_public_keys": {key: {"public_key": ed25519(n % 256)} for n, key in enumerate(keys)},
        "registry_protocols": {key: {"domains": [{"domain": "docker.io", "path": "a"}]} for key in keys},
        "applications": {key: {"image": "${images.one}", "instances": 1} for key in keys},
        "deployments": {key: {"image": "${images.one}", "location": "sfo06"} for key in keys},
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(20 if LONG else 1))
def test_creates_with_faults_make_nothing_twice(tmp_path: Path, number: int, record: Record) -> None:
    size, random = (100 if LONG else 8), Random(number)
    faults = [
        {
            "method": "POST",
            "after": after,
            "fault": FAULTS[random.choice(["dropped before the work", LOST_AFTER, "503"])],
        }
        for after in random.sample(range(5 * size), 2 * size)
    ]
    with (
        forks() as server,
        begun(begin(tmp_path / "start", crowd(size, number)), tmp_path / "run", server.rate) as project,
    ):
        project.settings(limits=False)
        project.faults(*faults)
        runs = [ran(server, project, "apply", "--yes")]
        project.faults()
        runs.append(ran(server, project, "apply", "--yes"))
        assert runs[-1].code == 0, "\n---\n".join(one.said for one in runs)
        assert {kind: len(project.world(kind)) for kind in CROWD} == dict.fromkeys(CROWD, size)
        ever = Counter(one.split()[0] for one in made(project, 0).elements())
        assert {kind: ever[kind] for kind in CROWD} == dict.fromkeys(CROWD, size)
    what = "creates, two of five dropped before or after the work, or answered with 503"
    record(8, what, 5 * size, "0 duplicates, 0 orphans, nothing lost")
