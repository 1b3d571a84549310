"""Where in a pipeline we are: which host, which pull or merge request, which commit, and where links lead.

GitHub Actions and GitLab CI say it in the environment and, on GitHub, in the file of the event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.clients.scrubber import Scrubber
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.render.markdown import GITHUB, GITLAB, Dialect, Links

if TYPE_CHECKING:
    from reconciler.clients.git_host import Discussion, GitHost

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_PULL_REF = re.compile(r"refs/pull/(\d+)/")
_MERGE_REQUEST = re.compile(r"!(\d+)")
_LONGEST_EVENT = 32 * 1024 * 1024


@frozen
class Review:
    """A pull or merge request of one host; `number` 0: of none. `project` is its repository or project."""

    host: GitHost
    project: str
    number: int
    commit: str
    links: Links
    dialect: Dialect
    web_url: str = ""

    @property
    def is_github(self) -> bool:
        """Whether it is GitHub that we speak to."""
        return self.dialect is GITHUB

    def discussion(self) -> Discussion:
        """The comments of the request. Raises ReconcilerError where there is none."""
        if not self.number:
            raise ReconcilerError(
                "this run belongs to no pull request", fix="run it on one, or name it with --pr NUMBER"
            )
        if self.is_github:
            from reconciler.clients.github import PullRequest

            return PullRequest(self.host, self.project, self.number)
        from reconciler.clients.gitlab import MergeRequest

        return MergeRequest(self.host, self.project, self.number, self.web_url)


def on_github(environ: Mapping[str, str]) -> bool:
    """Whether this runs for GitHub. Raises ReconcilerError where it is neither GitHub nor GitLab."""
    if environ.get("GITHUB_REPOSITORY") and not environ.get("GITLAB_CI"):
        return True
    if environ.get("CI_API_V4_URL") or environ.get("GITLAB_CI"):
        return False
    raise ReconcilerError(
        "this is neither GitHub Actions nor GitLab CI",
        fix="set GITHUB_REPOSITORY and GITHUB_TOKEN, or CI_API_V4_URL, CI_PROJECT_ID and GITLAB_TOKEN",
    )


def review_from(
    environ: Mapping[str, str], number: int | None = None, *, only_merged: bool = False
) -> Review:
    """The request that this run belongs to. Raises ReconcilerError where the environment does not say enough.

    `only_merged`: the one that the commit came from, and none that is still open.
    """
    read = _github if on_github(environ) else _gitlab
    return read(environ, number, only_merged)


def _github(environ: Mapping[str, str], number: int | None, only_merged: bool) -> Review:
    from reconciler.clients.git_host import GitHost
    from reconciler.clients.github import API_URL, REMEDIES, github_headers, is_merged, pulls_of

    repository = environ["GITHUB_REPOSITORY"]
    if not _REPOSITORY.fullmatch(repository):
        raise ReconcilerError(f"GITHUB_REPOSITORY is {repository!r}", fix="it looks like owner/name")
    token = environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or ""
    if not token:
        raise ReconcilerError(
            "there is no token for GitHub", fix="set GITHUB_TOKEN: ${{ github.token }} in a workflow"
        )
    url = environ.get("GITHUB_API_URL") or API_URL
    host = GitHost(url, github_headers(token), REMEDIES, scrub=_scrubber(token))
    event, sha = event_of(environ), environ.get("GITHUB_SHA", "")
    pull: Mapping[str, Any] = event.get("pull_request") or {}
    told = number or pull.get("number") or (event.get("issue") or {}).get("number") or _of_ref(environ)
    if only_merged and not is_merged(pull):
        pull, told = {}, None
    if not told and sha:
        pulls = pulls_of(host, repository, sha)
        pull = next((one for one in pulls if is_merged(one) or not only_merged), {})
        told = pull.get("number")
    commit = str((pull.get("head") or {}).get("sha") or ("" if event.get("issue") else sha))
    web = f"{environ.get('GITHUB_SERVER_URL') or 'https://github.com'}/{repository}"
    run = f"{web}/actions/runs/{environ['GITHUB_RUN_ID']}" if environ.get("GITHUB_RUN_ID") else ""
    links = Links(
        f"{web}/blob/{commit}" if commit else "",
        commit,
        run,
        f"{run}#artifacts" if run else "",
        folder_in(environ.get("GITHUB_WORKSPACE", "")),
    )
    return Review(host, repository, _whole(told), commit, links, GITHUB, web)


def _gitlab(environ: Mapping[str, str], number: int | None, only_merged: bool) -> Review:
    from reconciler.clients.git_host import GitHost
    from reconciler.clients.gitlab import REMEDIES, gitlab_headers, is_merged, requests_of

    url = environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
    project = environ.get("CI_MERGE_REQUEST_PROJECT_ID") or environ.get("CI_PROJECT_ID") or ""
    project = project or environ.get("CI_PROJECT_PATH", "")
    token, job_token = environ.get("GITLAB_TOKEN", ""), environ.get("CI_JOB_TOKEN", "")
    if not project or not (token or job_token):
        raise ReconcilerError(
            "there is no project or no token for GitLab", fix="set CI_PROJECT_ID and GITLAB_TOKEN"
        )
    headers = gitlab_headers(token, job_token)
    host = GitHost(url, headers, REMEDIES, scrub=_scrubber(token, job_token))
    open_ones = _MERGE_REQUEST.search(environ.get("CI_OPEN_MERGE_REQUESTS", ""))
    told: Any = number or environ.get("CI_MERGE_REQUEST_IID") or (open_ones[1] if open_ones else "")
    told = None if only_merged else told
    commit = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA") or ""
    if not told and commit:
        found = requests_of(host, project, commit)
        told = next((one.get("iid") for one in found if is_merged(one) or not only_merged), None)
    web, job = environ.get("CI_PROJECT_URL", ""), environ.get("CI_JOB_URL", "")
    target = environ.get("CI_MERGE_REQUEST_PROJECT_URL") or web
    links = Links(
        f"{web}/-/blob/{commit}" if web and commit else "",
        commit,
        job,
        f"{job}/artifacts/browse" if job else "",
        folder_in(environ.get("CI_PROJECT_DIR", "")),
    )
    return Review(host, project, _whole(told), commit, links, GITLAB, target)


def event_of(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """What GitHub says of the event that started the run; nothing where there is no such file."""
    path = environ.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        if Path(path).stat().st_size > _LONGEST_EVENT:
            return {}
        event = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ReconcilerError(
            f"GITHUB_EVENT_PATH cannot be read: {error}", fix="name the pull request with --pr NUMBER"
        ) from None
    return event if isinstance(event, dict) else {}


def folder_in(root: str) -> str:
    """Where in the checked-out repository we are; "" at its top, or outside of it."""
    if not root:
        return ""
    here, top = Path.cwd().resolve(), Path(root).resolve()
    return here.relative_to(top).as_posix().removeprefix(".") if here.is_relative_to(top) else ""


def _of_ref(environ: Mapping[str, str]) -> str:
    found = _PULL_REF.match(environ.get("GITHUB_REF", ""))
    return found[1] if found else ""


def _whole(number: object) -> int:
    return int(str(number)) if str(number or "").isdigit() else 0


def _scrubber(*secrets: str) -> Scrubber:
    scrub = Scrubber()
    for secret in secrets:
        if secret:
            scrub.add(secret)
    return scrub
