"""What a run of GitHub Actions is told of itself: by its environment, and by the file of the event that started it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.cli.reviewing import Review, folder_in, scrubber, whole
from reconciler.clients.git_host import GitHost
from reconciler.clients.github import API_URL, REMEDIES, github_headers, is_merged, pulls_of
from reconciler.errors import ReconcilerError
from reconciler.render.markdown import GITHUB, Links

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_PULL_REF = re.compile(r"refs/pull/(\d+)/")


class GitHubRun:
    """One run, and the pull request that it is about."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._repository = environ["GITHUB_REPOSITORY"]
        if not _REPOSITORY.fullmatch(self._repository):
            raise ReconcilerError(
                f"GITHUB_REPOSITORY is {self._repository!r}", fix="it looks like owner/name"
            )
        self._sha = environ.get("GITHUB_SHA", "")
        self._event = _event(environ.get("GITHUB_EVENT_PATH", ""))

    def review(self, number: int | None, only_merged: bool) -> Review:
        """The pull request of that number; else that of the event, else one that holds the commit."""
        host = self._host()
        if only_merged:
            pull = self._merged(host)
        elif number:
            pull = {**self._told(), "number": number}
        else:
            pull = self._told() or self._holding(host)
        commit = str((pull.get("head") or {}).get("sha") or self._commit_of_run())
        web = f"{self._environ.get('GITHUB_SERVER_URL') or 'https://github.com'}/{self._repository}"
        links = self._links(web, commit)
        return Review(host, self._repository, whole(pull.get("number")), commit, links, GITHUB, web)

    def _host(self) -> GitHost:
        token = self._environ.get("GITHUB_TOKEN") or self._environ.get("GH_TOKEN") or ""
        if not token:
            raise ReconcilerError(
                "there is no token for GitHub", fix="set GITHUB_TOKEN: ${{ github.token }} in a workflow"
            )
        url = self._environ.get("GITHUB_API_URL") or API_URL
        return GitHost(url, github_headers(token), REMEDIES, scrub=scrubber(token))

    def _told(self) -> Mapping[str, Any]:
        """The pull request that the event names; a comment on one calls it an issue."""
        if pull := self._event.get("pull_request") or self._event.get("issue"):
            return dict(pull)
        found = _PULL_REF.match(self._environ.get("GITHUB_REF", ""))
        return {"number": found[1]} if found else {}

    def _holding(self, host: GitHost) -> Mapping[str, Any]:
        return next(iter(pulls_of(host, self._repository, self._sha)), {}) if self._sha else {}

    def _merged(self, host: GitHost) -> Mapping[str, Any]:
        """The pull request of the event if it is merged, else the one that the commit came from."""
        if is_merged(self._told()):
            return self._told()
        found = self._holding(host)
        return found if is_merged(found) else {}

    def _commit_of_run(self) -> str:
        """The commit that runs, except where that is the default branch's because of a comment."""
        return "" if self._event.get("issue") else self._sha

    def _links(self, web: str, commit: str) -> Links:
        run_id = self._environ.get("GITHUB_RUN_ID")
        run = f"{web}/actions/runs/{run_id}" if run_id else ""
        return Links(
            f"{web}/blob/{commit}" if commit else "",
            commit,
            run,
            f"{run}#artifacts" if run else "",
            folder_in(self._environ.get("GITHUB_WORKSPACE", "")),
        )


def _event(path: str) -> Mapping[str, Any]:
    """What GitHub says of the event; nothing where there is no such file."""
    if not path:
        return {}
    try:
        event = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ReconcilerError(
            f"GITHUB_EVENT_PATH cannot be read: {error}",
            fix="leave it unset, and name the pull request with --pr",
        ) from None
    return event if isinstance(event, dict) else {}
