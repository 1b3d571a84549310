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
OTHER = {
    "max_instances": 9,
    "configuration.vcpu": 4,
    "vcpu": 4,
    "domains": [{"domain": "docker.io", "path": "other"}],
    "public_key": "other",
    "defaults.vcpus": 4,
}
"""Values in the place of those that were sent, of every kind whose answers show any."""
FAULTS: dict[str, dict[str, Any]] = {
    "dropped before the work": {"drop": "before"},
    "dropped after the work": {"drop": "after"},
    "429 with Retry-After": {"status": 429, "headers": {"Retry-After": "20"}, "body": {}},
    "429 without Retry-After": {"status": 429, "body": {}},
    "500": {"status": 500, "body": {}},
    "502": {"status": 502, "body": {}},
    "503": {"status": 503, "body": {}},
    "a proxy's HTML page": {"html": True},
    "a slow answer": {"delay": 0.3},
    "another value in the answer than was sent": {"echo": OTHER},
}
PARTS = 6
OUTCOME = "in the same run or the next: 0 duplicates, 0 orphans, nothing lost"
LOST_AFTER = "dropped after the work"
EXACTLY_ONE = "exactly one object, its id known, {:.0f} extra reads at most"
CROWD = ("secret", "ssh_public_key", "registry_protocol", "application", "deployment")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("trials")) as made:
        yield made


@pytest.fixture(scope="module")
def slower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Where a request that is given up may still be done within the half minute that a list may hide it."""
    with bench(tmp_path_factory.mktemp("slower"), rate=50.0) as made:
        yield made


def struck_everywhere(bench: Bench, part: int, fault: dict[str, Any], **cut: Any) -> int:
    """Lets a fault strike single writes of a plan of every kind: a part of them, or in a short run one."""
    writes = bench.stories["change"].writes
    every = [(method, n) for method in sorted(writes) for n in range(writes[method])]
    some = every[part::PARTS] if LONG else Random(f"{fault}{cut}").sample(every, 1)
    struck = 0
    for method, number in some:
        rule = {"method": method, "after": number, "fault": fault}
        # A name's late deletion takes with it what has got the name meanwhile.
        is_late = "patience" in cut and method == "DELETE"
        first, again = bench.trial("change", cut, faults=[rule], remade=is_late)
        assert first.code in (0, 1, 4), f"{method} {number}: {first.said}"
        assert "Traceback" not in first.said
        struck += again.struck
    return struck


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS if LONG else 1))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_a_write(trials: Bench, fault: str, part: int, record: Record) -> None:
    struck = struck_everywhere(trials, part, FAULTS[fault])
    record(8, f"a write of a plan of every kind: {fault}", struck, OUTCOME)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS if LONG else 1))
def test_a_write_that_is_given_up_before_it_is_done(slower: Bench, part: int, record: Record) -> None:
    struck = struck_everywhere(slower, part, {"delay": 0.4}, patience=0.25)
    what = "a write of a plan of every kind: given up, and done ten seconds later"
    record(8, what, struck, f"{OUTCOME}; what a late deletion took with its name is made again")


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


TASK: dict[str, Any] = {
    "version": 1,
    "project": "task",
    "images": {"one": {"archive": "image-1"}},
    "applications": {"tasks": {"image": "${images.one}", "instances": 0, "jobs": True}},
    "jobs": {"one": {"application": "${applications.tasks}", "command": ["true"]}},
}
NOT_SEEN_AT_ONCE: dict[str, tuple[dict[str, Any], ...]] = {
    "done ten seconds after it was given up": ({"delay": 0.4},),
    "done, and hidden for half a minute": ({"drop": "after"}, {"stale": 30}),
}


@pytest.mark.parametrize("how", NOT_SEEN_AT_ONCE)
def test_a_job_whose_answer_was_lost_runs_once(tmp_path: Path, how: str, record: Record) -> None:
    [lost, *stale] = NOT_SEEN_AT_ONCE[how]
    faults: list[dict[str, Any]] = [
        {"method": "POST", "path": "/jobs$", "fault": lost},
        *({"method": "GET", "path": "/client/v4/", "times": 0, "fault": one} for one in stale),
    ]
    start = begin(tmp_path / "start", TASK)
    with forks(50.0) as server, begun(start, tmp_path / "run", server.rate) as project:
        project.faults(*faults)
        ended = ran(server, project, "apply", "--yes", patience=0.25)
        assert ended.code == 0, ended.said
        assert len(project.world("job")) == 1
    record(7, f"the start of a job: {how}", 1, "runs once")


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
