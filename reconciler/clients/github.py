"""GitHub as far as a plan needs it: the comments of a pull request, which one a commit came from, artefacts of its runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from reconciler.clients.git_host import Comment, GitHost, Remedies
from reconciler.errors import AuthenticationError, NotFoundError
from reconciler.frozen import frozen

API_URL = "https://api.github.com"
REMEDIES = Remedies(
    "GitHub",
    unauthorized="check GITHUB_TOKEN",
    forbidden="give the job `permissions: {pull-requests: write}`; for a pull request from a fork the token only reads",
    missing="check GITHUB_REPOSITORY and the number; a token that may not see a repository is told the same",
)
_BOT = "[bot]"


@frozen
class Artifact:
    """What a run of a workflow kept, and for which commit; `from_fork`: of somebody else's repository."""

    id: str
    commit: str
    made_at: str
    expired: bool
    from_fork: bool


def github_headers(token: str) -> dict[str, str]:
    """What every request to GitHub says."""
    return {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": "2022-11-28",
    }


class PullRequest:
    """The comments of one pull request."""

    def __init__(self, host: GitHost, repository: str, number: int) -> None:
        self._host = host
        self._issues = f"/repos/{repository}/issues"
        self._number = number

    def comments(self) -> list[Comment]:
        """All of them, oldest first."""
        return [_comment(one) for one in self._host.pages(f"{self._issues}/{self._number}/comments")]

    def is_mine(self, comment: Comment) -> bool:
        """By the token's login. The token of a workflow or app has none: then any app's, whose names no person can have.

        What names nobody is as good as ours: there is nobody left who could change it.
        """
        if not comment.author:
            return True
        return comment.author == self._login if self._login else comment.author.endswith(_BOT)

    def add(self, body: str) -> Comment:
        """Writes a new one."""
        return _comment(self._host.ask("POST", f"{self._issues}/{self._number}/comments", {"body": body}))

    def change(self, comment: Comment, body: str) -> Comment:
        """Writes another text into one."""
        return _comment(self._host.ask("PATCH", f"{self._issues}/comments/{comment.id}", {"body": body}))

    def remove(self, comment: Comment) -> None:
        """Takes one away."""
        self._host.ask("DELETE", f"{self._issues}/comments/{comment.id}")

    @cached_property
    def _login(self) -> str:
        try:
            return _text(self._host.ask("GET", "/user"), "login")
        except (AuthenticationError, NotFoundError) as error:
            if error.status == 401:
                raise
            return ""


def pulls_of(host: GitHost, repository: str, commit: str) -> list[Mapping[str, Any]]:
    """The pull requests that hold a commit: first the one whose merge it is, then those that were merged, then the open."""
    found = [
        one for one in host.pages(f"/repos/{repository}/commits/{commit}/pulls") if isinstance(one, dict)
    ]
    return sorted(found, key=lambda one: (not is_merged(one), one.get("merge_commit_sha") != commit))


def is_merged(pull: Mapping[str, Any]) -> bool:
    """Whether a pull request was merged; an open one has a `merge_commit_sha` too, of a merge that was only tried."""
    return bool(pull.get("merged_at"))


def artifacts(host: GitHost, repository: str, name: str) -> Iterator[Artifact]:
    """The artefacts of that name, newest first."""
    number = 1
    while True:
        path = f"/repos/{repository}/actions/artifacts"
        answer = host.ask("GET", path, name=name, per_page=100, page=number)
        here = [one for one in (answer or {}).get("artifacts") or [] if isinstance(one, dict)]
        yield from map(_artifact, here)
        if len(here) < 100:
            return
        number += 1


def artifact_zip(host: GitHost, repository: str, artifact: Artifact) -> bytes:
    """An artefact as GitHub gives it: a zip file."""
    return host.file(f"/repos/{repository}/actions/artifacts/{artifact.id}/zip")


def _artifact(one: Mapping[str, Any]) -> Artifact:
    run = one.get("workflow_run") or {}
    return Artifact(
        str(one.get("id", "")),
        str(run.get("head_sha") or ""),
        str(one.get("created_at") or ""),
        bool(one.get("expired")),
        run.get("head_repository_id") != run.get("repository_id"),
    )


def _comment(one: Any) -> Comment:
    one = one if isinstance(one, dict) else {}
    author = _text(one.get("user"), "login")
    return Comment(str(one.get("id", "")), str(one.get("body") or ""), author, _text(one, "html_url"))


def _text(document: Any, key: str) -> str:
    return str(document.get(key) or "") if isinstance(document, dict) else ""
