"""The plan that was reviewed: fetched from where the run on the pull request kept it, and from nowhere else."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import run
from reconciler.storage.codec import encode_plan
from reconciler.storage.plan_file import load_plan
from tests.cli.git_hosts import TOKEN
from tests.cli.pipelines import Pipeline, pipeline_in
from tests.render.plans import plan, shop_plan

REVIEWED = encode_plan(shop_plan())
MERGED = {
    "number": 7,
    "iid": 7,
    "merged_at": "2026",
    "merge_commit_sha": "beef" * 10,
    "state": "merged",
    "head": {"sha": "c0ffee"},
}


@pytest.fixture
def pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Pipeline]:
    with pipeline_in(tmp_path, monkeypatch, capsys) as made:
        made.host.pulls = [MERGED]
        yield made


def fetched(pipeline: Pipeline, *args: str) -> tuple[int, str, str]:
    code = run(["reviewed", *args])
    out, err = pipeline.capsys.readouterr()
    assert TOKEN not in out + err
    return code, out, err


def test_the_plan_of_the_merged_pull_request_is_fetched(pipeline: Pipeline) -> None:
    pipeline.on_github(ref="refs/heads/main")
    pipeline.host.keep("c0ffee", encode_plan(plan()))
    pipeline.host.keep("c0ffee", REVIEWED)
    pipeline.host.keep("another", b"{}")
    code, out, _ = fetched(pipeline, "--json")
    assert code == 0
    assert load_plan(Path("plan.json")) == shop_plan()
    assert stat.S_IMODE(Path("plan.json").stat().st_mode) == 0o600
    document = json.loads(out)
    assert (document["number"], document["commit"], document["file"]) == (7, "c0ffee", "plan.json")


def test_the_token_stays_with_the_host(pipeline: Pipeline) -> None:
    pipeline.on_github(ref="refs/heads/main")
    pipeline.host.keep("c0ffee", REVIEWED)
    assert fetched(pipeline)[0] == 0
    there, elsewhere = pipeline.host.asked[-2:]
    assert there.headers["AUTHORIZATION"] == f"Bearer {TOKEN}"
    assert (elsewhere.path, "AUTHORIZATION" in elsewhere.headers) == ("/blob/zip/1", False)


@pytest.mark.parametrize(
    ("commit", "other", "told"),
    [
        ("another", {}, "no plan was kept for c0ffee of #7: the artefact reconciler-plan is not there"),
        ("c0ffee", {"name": "other"}, "is not there; run the plan on the pull request again"),
        ("c0ffee", {"expired": True}, "is kept no longer"),
        ("c0ffee", {"workflow_run": {"head_sha": "c0ffee", "head_repository_id": 2}}, "was made in a fork"),
    ],
)
def test_anything_else_is_refused(pipeline: Pipeline, commit: str, other: Any, told: str) -> None:
    pipeline.on_github(ref="refs/heads/main")
    pipeline.host.keep(commit, REVIEWED, **other)
    code, _, err = fetched(pipeline)
    assert (code, told in err) == (3, True)
    assert not Path("plan.json").exists()


UNMERGED = {**MERGED, "merged_at": None, "state": "opened"}


@pytest.mark.parametrize("pulls", [[], [UNMERGED]])
def test_a_commit_that_nobody_reviewed_is_refused(pipeline: Pipeline, pulls: list[Any]) -> None:
    pipeline.on_github(ref="refs/heads/main")
    pipeline.host.keep("c0ffee", REVIEWED)
    pipeline.host.pulls = pulls
    code, _, err = fetched(pipeline)
    assert (code, "came from no pull request that was merged" in err) == (3, True)


def test_a_pull_request_that_is_open_has_no_reviewed_plan(pipeline: Pipeline) -> None:
    pipeline.on_github(pull_request={"number": 7, "head": {"sha": "c0ffee"}, "merged_at": None})
    pipeline.host.keep("c0ffee", REVIEWED)
    pipeline.host.pulls = [UNMERGED]
    assert fetched(pipeline)[0] == 3


def test_of_several_the_one_whose_merge_it_is_counts(pipeline: Pipeline) -> None:
    pipeline.on_github(ref="refs/heads/main")
    other = {**MERGED, "number": 3, "merge_commit_sha": "another", "head": {"sha": "0ther"}}
    pipeline.host.pulls = [UNMERGED, other, MERGED]
    pipeline.host.keep("c0ffee", REVIEWED)
    assert json.loads(fetched(pipeline, "--json")[1])["commit"] == "c0ffee"


def test_an_open_merge_request_of_the_default_branch_is_not_the_one(pipeline: Pipeline) -> None:
    pipeline.on_gitlab(CI_MERGE_REQUEST_IID="", CI_OPEN_MERGE_REQUESTS="o/r!12")
    pipeline.host.pipelines = {1: [{"id": 5, "name": "reconciler-plan", "status": "success"}]}
    pipeline.host.files = {"5/plan.json": REVIEWED}
    assert "of #7," in fetched(pipeline)[1]


@pytest.mark.parametrize("data", [b"{}", b"no plan"])
def test_what_is_no_plan_is_said_to_be_none(pipeline: Pipeline, data: bytes) -> None:
    pipeline.on_github(ref="refs/heads/main")
    pipeline.host.keep("c0ffee", data)
    code, _, err = fetched(pipeline)
    assert (code, "plan.json is no saved plan" in err) == (1, True)
    assert fetched(pipeline, "--path", "other.json")[0] == 1


def test_gitlab_keeps_the_plan_with_its_job(pipeline: Pipeline) -> None:
    pipeline.on_gitlab(CI_MERGE_REQUEST_IID="")
    job = {"id": 5, "name": "reconciler-plan", "status": "success"}
    pipeline.host.pipelines = {1: [job], 2: [{**job, "id": 6}], 3: [{"id": 9, "name": "lint"}]}
    pipeline.host.files = {"5/plan.json": b"older", "6/plan.json": REVIEWED}
    assert fetched(pipeline)[0] == 0
    assert load_plan(Path("plan.json")) == shop_plan()


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        ([], "the job reconciler-plan is not there"),
        ([{"id": 5, "name": "reconciler-plan", "status": "failed"}], "is not there"),
        ([{"id": 5, "name": "reconciler-plan", "status": "success"}], "plan.json of the job"),
    ],
)
def test_gitlab_without_a_good_plan_is_refused(pipeline: Pipeline, jobs: list[Any], told: str) -> None:
    pipeline.on_gitlab(CI_MERGE_REQUEST_IID="")
    pipeline.host.pipelines = {1: jobs}
    code, _, err = fetched(pipeline)
    assert (code, told in err) == (3, True)
