"""GitLab as far as a plan needs it: the notes of a merge request, which one a commit came from, what its jobs kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

from reconciler.clients.git_host import Comment, GitHost, Remedies
from reconciler.errors import AuthenticationError, NotFoundError

API_URL = "https://gitlab.com/api/v4"
REMEDIES = Remedies(
    "GitLab",
    unauthorized="set GITLAB_TOKEN to a project access token with the scope api; a job's own token cannot write notes",
    forbidden="give the token the role Reporter and the scope api; a job's own token cannot write notes",
    missing="check CI_PROJECT_ID and the number; a token that may not see a project is told the same",
)


def gitlab_headers(token: str, job_token: str) -> dict[str, str]:
    """What every request to GitLab says: a token that was given, else the job's own."""
    return {"PRIVATE-TOKEN": token} if token else {"JOB-TOKEN": job_token}


class MergeRequest:
    """The notes of one merge request; what GitLab itself notes down there is none of ours."""

    def __init__(self, host: GitHost, project: str, number: int, web_url: str = "") -> None:
        self._host = host
        self._notes = f"{project_path(project)}/merge_requests/{number}/notes"
        self._web_url = f"{web_url}/-/merge_requests/{number}" if web_url else ""

    def comments(self) -> list[Comment]:
        """All of them, oldest first."""
        found = self._host.pages(self._notes, sort="asc", order_by="created_at")
        return [self._comment(one) for one in found if not (isinstance(one, dict) and one.get("system"))]

    def is_mine(self, comment: Comment) -> bool:
        """By the token's user; a job's token has none, and then nothing is known to be its own."""
        return bool(self._login) and comment.author == self._login

    def add(self, body: str) -> Comment:
        """Writes a new one."""
        return self._comment(self._host.ask("POST", self._notes, {"body": body}))

    def change(self, comment: Comment, body: str) -> Comment:
        """Writes another text into one."""
        return self._comment(self._host.ask("PUT", f"{self._notes}/{comment.id}", {"body": body}))

    def remove(self, comment: Comment) -> None:
        """Takes one away."""
        self._host.ask("DELETE", f"{self._notes}/{comment.id}")

    @cached_property
    def _login(self) -> str:
        try:
            found = self._host.ask("GET", "/user")
        except (AuthenticationError, NotFoundError):
            return ""
        return str(found.get("username") or "") if isinstance(found, dict) else ""

    def _comment(self, one: Any) -> Comment:
        one = one if isinstance(one, dict) else {}
        author = one.get("author") if isinstance(one.get("author"), dict) else {}
        number = str(one.get("id", ""))
        url = f"{self._web_url}#note_{number}" if self._web_url else ""
        return Comment(number, str(one.get("body") or ""), str((author or {}).get("username") or ""), url)


def project_path(project: str) -> str:
    """Where a project's API begins, by its number or its path."""
    return f"/projects/{quote(project, safe='')}"


def requests_of(host: GitHost, project: str, commit: str) -> list[Mapping[str, Any]]:
    """The merge requests that hold a commit, those that were merged first."""
    path = f"{project_path(project)}/repository/commits/{quote(commit, safe='')}/merge_requests"
    found = [one for one in host.pages(path) if isinstance(one, dict)]
    return sorted(found, key=lambda one: not is_merged(one))


def is_merged(request: Mapping[str, Any]) -> bool:
    """Whether a merge request was merged."""
    return request.get("state") == "merged"


def last_job(host: GitHost, project: str, number: int, name: str) -> Mapping[str, Any] | None:
    """The job of that name in the newest pipeline of a merge request that has one, however it ended."""
    root = project_path(project)
    for pipeline in host.pages(f"{root}/merge_requests/{number}/pipelines"):
        for job in host.pages(f"{root}/pipelines/{pipeline['id']}/jobs"):
            if job.get("name") == name:
                return dict(job)
    return None


def job_file(host: GitHost, project: str, job: Mapping[str, Any], name: str) -> bytes:
    """A file that a job kept."""
    return host.file(f"{project_path(project)}/jobs/{job['id']}/artifacts/{quote(name)}")
