"""The comment on a pull or merge request: one for each manifest and environment, ours only, with its history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import run
from reconciler.cli.reviewing import folder_in
from reconciler.cli.sticky import Poster
from reconciler.model.plan import Plan
from reconciler.render.markdown import GITHUB, Links, earlier_plans, marker
from reconciler.storage.plan_file import save_plan
from tests.cli.git_hosts import TOKEN
from tests.cli.pipelines import Pipeline, pipeline_in
from tests.harness import project
from tests.render.plans import change, plan, random_plan, shop_plan


@pytest.fixture
def pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Pipeline]:
    with pipeline_in(tmp_path, monkeypatch, capsys) as made:
        yield made


def later(of: Plan, minutes: int = 1, **other: Any) -> Plan:
    return replace(of, created_at=f"2026-11-20T10:{minutes:02}:00Z", **other)


def test_the_first_plan_is_a_new_comment(pipeline: Pipeline) -> None:
    pipeline.on_github()
    code, out, _ = pipeline.comment()
    assert code == 0
    assert out.endswith("comment created: https://git.example/o/r/pull/7#issuecomment-101\n")
    [body] = pipeline.host.bodies
    assert body.startswith(f"<!-- {marker(shop_plan())} ")
    assert "https://github.com/o/r/blob/4e02ab1/containers.yaml#L90" in body
    assert "[full plan](https://github.com/o/r/actions/runs/99)" in body
    [asked] = [one for one in pipeline.host.asked if one.method == "POST"]
    assert asked.headers["AUTHORIZATION"] == f"Bearer {TOKEN}"


def test_the_next_plan_takes_its_place_and_tells_of_it(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.comment()
    code, out, _ = pipeline.comment(later(plan(change("image.api", "update"))))
    assert (code, "comment updated" in out) == (0, True)
    [body] = pipeline.host.bodies
    assert "1 update, 0 create of 1" in body.splitlines()[1]
    assert [one.verdict.partition(" of")[0] for one in earlier_plans(body)] == [
        "0 delete, 0 replace, 1 update, 0 create",
        "0 delete, 1 replace, 3 update, 1 create",
    ]


def test_the_same_plan_again_writes_nothing(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.comment()
    code, out, _ = pipeline.comment()
    assert (code, "comment unchanged" in out) == (0, True)
    assert [method for method, _ in pipeline.host.writes] == ["POST"]


def test_each_environment_and_manifest_has_its_own(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.comment()
    pipeline.comment(replace(shop_plan(), environment="staging"))
    below = pipeline.folder / "infra"
    below.mkdir()
    pipeline.environ.chdir(below)
    save_plan(shop_plan(), below / "plan.json")
    assert run(["comment", "plan.json"]) == 0
    assert len(pipeline.host.bodies) == 3
    assert "manifest=infra%2Fcontainers.yaml " in pipeline.host.bodies[2]
    assert "/blob/4e02ab1/infra/containers.yaml#L90" in pipeline.host.bodies[2]
    assert "::warning file=infra/containers.yaml,line=90" in pipeline.capsys.readouterr().out


@pytest.mark.parametrize("knows_me", [False, True])
def test_a_comment_of_somebody_else_with_our_first_line_is_left_alone(
    pipeline: Pipeline, knows_me: bool
) -> None:
    pipeline.on_github()
    pipeline.host.knows_me = knows_me
    forged = f"<!-- {marker(shop_plan())} plan=x commit=y verdict=no%20changes -->\nall is well"
    pipeline.host.write(forged, "mallory")
    for minute in (0, 1):
        assert pipeline.comment(later(shop_plan(), minute))[0] == 0
    assert len(pipeline.host.bodies) == 2
    assert pipeline.host.bodies[0] == forged
    assert "no changes" not in pipeline.host.bodies[1]


def test_a_person_whose_token_it_is_finds_the_comment_again(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.host.me = "alice"  # and is told nothing about herself
    pipeline.comment()
    assert pipeline.comment(later(shop_plan()))[0] == 0
    assert len(pipeline.host.bodies) == 1
    assert [method for method, _ in pipeline.host.writes] == ["POST", "POST", "PATCH", "DELETE"]


@pytest.mark.parametrize("says_more", [True, False])
def test_the_comment_is_found_however_many_there_are(pipeline: Pipeline, says_more: bool) -> None:
    pipeline.on_github()
    pipeline.host.says_more, pipeline.host.page_size = says_more, 20 if says_more else 100
    for number in range(250):
        pipeline.host.write(f"talk {number}", "bob")
    pipeline.comment()
    pipeline.comment(later(shop_plan()))
    assert len(pipeline.host.bodies) == 251


def test_two_that_post_at_once_end_with_one_comment(pipeline: Pipeline) -> None:
    pipeline.on_github()
    other = later(plan(change("image.api", "update")), 0)
    text = Poster(other, "0ther", "", GITHUB, Links(commit="c0ffee")).body()

    def meanwhile(asked: Any) -> None:
        if asked.method == "POST" and not pipeline.host.comments:
            pipeline.host.write(text)

    pipeline.host.before_answering = meanwhile
    code, out, _ = pipeline.comment(later(shop_plan()))
    assert (code, "comment updated" in out) == (0, True)
    [body] = pipeline.host.bodies
    assert [one.plan_hash for one in earlier_plans(body)][1:] == ["0ther"]


def test_an_earlier_plan_does_not_take_the_place_of_a_later_one(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.comment(later(plan(change("image.api", "update")), 30))
    before = pipeline.host.bodies
    code, out, err = pipeline.comment(later(shop_plan(), 10))
    assert (code, "comment kept" in out) == (0, True)
    assert "was made later than this one" in err
    assert pipeline.host.bodies == before


def test_comments_that_were_doubled_become_one(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.comment()
    pipeline.host.write(pipeline.host.bodies[0])
    pipeline.comment(later(shop_plan()))
    assert len(pipeline.host.bodies) == 1


# what goes wrong


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        (401, "Bad credentials", "check GITHUB_TOKEN"),
        (403, "Resource not accessible by integration", "permissions: {pull-requests: write}"),
        (404, "Not Found", "check GITHUB_REPOSITORY"),
        (422, "Validation Failed", "Validation Failed"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(pipeline: Pipeline, status: int, message: str, told: str) -> None:
    pipeline.on_github()
    pipeline.host.faults.append(("POST", status, {}, {"message": f"{message} {TOKEN}\n::error::x"}))
    code, _, err = pipeline.comment()
    assert (code, len(err.splitlines())) == (1, 1)
    assert (
        f"GitHub answered POST /repos/o/r/issues/7/comments with {status}: {message} (sensitive) ::error::x"
        in err
    )
    assert told in err


@pytest.mark.parametrize(
    ("status", "headers", "body", "waited"),
    [
        (429, {"Retry-After": "7"}, {}, 7.0),
        (403, {"Retry-After": "3"}, {"message": "You have exceeded a secondary rate limit"}, 3.0),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1012"}, {"message": "limit"}, 12.0),
        (502, {}, {}, 1.0),
    ],
)
def test_a_limit_is_waited_for(
    pipeline: Pipeline, status: int, headers: dict[str, str], body: Any, waited: float
) -> None:
    pipeline.on_github()
    pipeline.host.faults.append(("GET .*comments", status, headers, body))
    assert pipeline.comment()[0] == 0
    assert pipeline.waited == [waited]


def test_a_limit_of_an_hour_is_told_instead(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.host.faults.append(("POST", 429, {"Retry-After": "3600"}, {"message": "slow down"}))
    code, _, err = pipeline.comment()
    assert (code, "slow down; wait 3600 s and run again" in err) == (1, True)


def test_a_lost_answer_posts_nothing_twice(pipeline: Pipeline) -> None:
    pipeline.on_github()

    def lost(asked: Any) -> None:
        if asked.method == "POST":
            pipeline.host.before_answering = lambda _asked: None
            pipeline.host.write(asked.body["body"])
            pipeline.host.faults.append(("POST", 502, {}, {}))

    pipeline.host.before_answering = lost
    code, out, _ = pipeline.comment()
    assert (code, "comment unchanged" in out) == (0, True)
    assert len(pipeline.host.bodies) == 1


@pytest.mark.parametrize(
    ("unset", "told"),
    [
        ("GITHUB_REPOSITORY", "neither GitHub Actions nor GitLab CI"),
        ("GITHUB_TOKEN", "there is no token for GitHub; set GITHUB_TOKEN"),
    ],
)
def test_what_is_not_set_is_named(pipeline: Pipeline, unset: str, told: str) -> None:
    pipeline.on_github()
    pipeline.environ.delenv(unset)
    code, _, err = pipeline.comment()
    assert (code, told in err) == (1, True)


def test_a_repository_that_has_moved_is_not_followed(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.host.faults.append(("GET .*comments", 301, {"Location": "https://evil.example/"}, {"url": "x"}))
    code, _, err = pipeline.comment()
    assert (code, "with 301: it has moved; check GITHUB_REPOSITORY" in err) == (1, True)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b""])
def test_an_answer_that_is_none_is_an_error(pipeline: Pipeline, body: bytes) -> None:
    pipeline.on_github()
    pipeline.environ.setattr(pipeline.host, "answer", lambda _asked: (200, {}, body))
    code, _, err = pipeline.comment()
    assert (code, "GET /repos/o/r/issues/7/comments was answered with something else than" in err) == (
        1,
        True,
    )


def test_a_host_that_is_not_there_is_an_error(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.set(GITHUB_API_URL="http://127.0.0.1:9")
    code, _, err = pipeline.comment()
    assert (code, "cannot be reached" in err) == (1, True)


def test_without_a_file_a_plan_is_made(pipeline: Pipeline) -> None:
    pipeline.on_github()
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops"
    with project(pipeline.folder) as made:
        made.write(f"version: 1\nproject: shop\nssh_public_keys: {{ops: {{public_key: {key}}}}}\n")
        posted = made.run("comment")
    assert posted.code == 0, posted.err
    assert "### 🟢 Plan for `shop`: 0 delete, 0 replace, 0 update, 1 create of 1" in pipeline.host.bodies[0]


# which pull request


@pytest.mark.parametrize(
    "event",
    [{"issue": {"number": 7, "pull_request": {}}}, {"number": 7, "pull_request": {"number": 7}}],
)
def test_the_event_says_which_pull_request(pipeline: Pipeline, event: Any) -> None:
    pipeline.on_github(**event)
    assert pipeline.comment()[0] == 0
    assert len(pipeline.host.bodies) == 1


def test_a_merged_commit_leads_to_its_pull_request(pipeline: Pipeline) -> None:
    pipeline.on_github(ref="refs/heads/main")
    pipeline.host.pulls = [
        {"number": 3, "merged_at": "2026", "merge_commit_sha": "other", "head": {"sha": "x"}},
        {"number": 7, "merged_at": "2026", "merge_commit_sha": "beef" * 10, "head": {"sha": "c0ffee"}},
    ]
    assert pipeline.comment()[0] == 0
    assert "`containers.yaml` at `c0ffee`" in pipeline.host.bodies[0]


def test_where_there_is_no_pull_request_nothing_is_posted(pipeline: Pipeline) -> None:
    pipeline.on_github(ref="refs/heads/main")
    code, _, err = pipeline.comment()
    assert (code, "belongs to no pull request; run it on one, or name it with --pr NUMBER" in err) == (
        1,
        True,
    )
    assert pipeline.comment(None, "--pr", "7")[0] == 0


def test_a_ref_says_which_pull_request_where_there_is_no_event(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.set(GITHUB_EVENT_PATH="", GITHUB_REF="refs/pull/7/merge")
    assert pipeline.comment()[0] == 0
    pipeline.set(GITHUB_EVENT_PATH="nowhere.json")
    code, _, err = pipeline.comment()
    assert (code, "GITHUB_EVENT_PATH cannot be read" in err) == (1, True)


# what GitHub shows besides


def test_lines_of_the_manifest_are_annotated_worst_first_and_at_most_ten(pipeline: Pipeline) -> None:
    pipeline.on_github()
    _, out, _ = pipeline.comment(random_plan(5, 200, hostile=False))
    lines = [line for line in out.splitlines() if line.startswith("::")]
    assert len(lines) == 10
    assert lines[0].startswith("::warning file=containers.yaml,line=")
    _, out, err = pipeline.comment(shop_plan(), "--json")
    assert json.loads(out)["number"] == 7
    assert "::warning file=containers.yaml,line=90" in err


def test_the_job_gets_a_summary_even_where_the_comment_is_refused(pipeline: Pipeline) -> None:
    pipeline.on_github()
    pipeline.host.faults.append(("POST", 403, {}, {"message": "no"}))
    assert pipeline.comment()[0] == 1
    assert "### 🔴 Plan for `shop/production`" in (pipeline.folder / "summary.md").read_text()


def test_a_summary_never_goes_beyond_what_github_shows(pipeline: Pipeline) -> None:
    pipeline.on_github()
    summary = pipeline.folder / "summary.md"
    summary.write_text("x" * 900_000)
    pipeline.comment(random_plan(1, 2000, hostile=False))
    assert 900_000 < summary.stat().st_size <= 1024 * 1024
    assert max(len(body) for body in pipeline.host.bodies) <= 65_536
    before = summary.stat().st_size
    summary.write_text("x" * 1024 * 1024)
    assert pipeline.comment()[0] == 0
    assert summary.stat().st_size == 1024 * 1024 > before


# GitLab


def test_gitlab_has_notes(pipeline: Pipeline) -> None:
    pipeline.on_gitlab()
    pipeline.host.page_size = 2
    pipeline.host.comments = [{"id": 1, "body": "bob changed the title", "system": True}]
    pipeline.host.write(f"<!-- {marker(shop_plan())} -->", "mallory")
    for _ in range(5):
        pipeline.host.write("talk", "bob")
    assert pipeline.comment()[0] == 0
    code, out, _ = pipeline.comment(later(shop_plan()))
    assert (code, out) == (0, "comment updated: https://gitlab.example/o/r/-/merge_requests/7#note_108\n")
    assert pipeline.host.writes == [
        ("POST", "/projects/7/merge_requests/7/notes"),
        ("PUT", "/projects/7/merge_requests/7/notes/108"),
    ]
    assert pipeline.host.asked[-1].headers["PRIVATE-TOKEN"] == TOKEN
    assert "https://gitlab.example/o/r/-/blob/4e02ab1/containers.yaml#L90" in pipeline.host.bodies[-1]


def test_a_branch_of_gitlab_knows_its_open_merge_requests(pipeline: Pipeline) -> None:
    pipeline.on_gitlab(CI_MERGE_REQUEST_IID="", CI_OPEN_MERGE_REQUESTS="o/r!7,o/r!8")
    assert pipeline.comment()[0] == 0


def test_a_jobs_own_token_of_gitlab_cannot_write_notes(pipeline: Pipeline) -> None:
    pipeline.on_gitlab(GITLAB_TOKEN="", CI_JOB_TOKEN=TOKEN)
    pipeline.host.faults.append(("POST", 401, {}, {"message": "401 Unauthorized"}))
    code, _, err = pipeline.comment()
    assert (code, "set GITLAB_TOKEN to a project access token with the scope api" in err) == (1, True)
    assert pipeline.host.asked[-1].headers["JOB-TOKEN"] == TOKEN


@pytest.mark.parametrize(("where", "folder"), [(".", ""), (".infra/prod", ".infra/prod"), ("..", "")])
def test_the_folder_is_known_by_its_place_in_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, folder: str
) -> None:
    root = tmp_path / "checkout"
    (root / ".infra/prod").mkdir(parents=True)
    monkeypatch.chdir(root / where)
    assert folder_in(str(root)) == folder
    assert folder_in("") == ""
