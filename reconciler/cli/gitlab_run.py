"""What a job of GitLab CI is told of itself: by its environment alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.cli.reviewing import Review, folder_in, scrubber, whole
from reconciler.clients.git_host import GitHost
from reconciler.clients.gitlab import API_URL, REMEDIES, gitlab_headers, is_merged, requests_of
from reconciler.errors import ReconcilerError
from reconciler.render.markdown import GITLAB, Links

_NUMBER = re.compile(r"!(\d+)")


class GitLabRun:
    """One job, and the merge request that it is about."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._project = self._first("CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID", "CI_PROJECT_PATH")
        self._commit = self._first("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA")

    def review(self, number: int | None, only_merged: bool) -> Review:
        """The merge request of that number; else that of the job, else one that holds the commit."""
        host = self._host()
        told = 0 if only_merged else number or self._told()
        web = self._environ.get("CI_PROJECT_URL", "")
        return Review(
            host,
            self._project,
            told or self._holding(host, only_merged),
            self._commit,
            self._links(web),
            GITLAB,
            self._first("CI_MERGE_REQUEST_PROJECT_URL", "CI_PROJECT_URL"),
        )

    def _first(self, *names: str) -> str:
        return next(filter(None, map(self._environ.get, names)), "")

    def _host(self) -> GitHost:
        token, job_token = self._environ.get("GITLAB_TOKEN", ""), self._environ.get("CI_JOB_TOKEN", "")
        if not self._project or not (token or job_token):
            raise ReconcilerError(
                "there is no project or no token for GitLab", fix="set CI_PROJECT_ID and GITLAB_TOKEN"
            )
        url = self._environ.get("CI_API_V4_URL") or API_URL
        return GitHost(url, gitlab_headers(token, job_token), REMEDIES, scrub=scrubber(token, job_token))

    def _told(self) -> int:
        """The merge request of the pipeline; a branch names the open ones that it is the source of."""
        open_ones = _NUMBER.search(self._environ.get("CI_OPEN_MERGE_REQUESTS", ""))
        return whole(self._environ.get("CI_MERGE_REQUEST_IID") or (open_ones and open_ones[1]))

    def _holding(self, host: GitHost, only_merged: bool) -> int:
        if not self._commit:
            return 0
        found = requests_of(host, self._project, self._commit)
        return whole(next((one.get("iid") for one in found if is_merged(one) or not only_merged), None))

    def _links(self, web: str) -> Links:
        job = self._environ.get("CI_JOB_URL", "")
        return Links(
            f"{web}/-/blob/{self._commit}" if web and self._commit else "",
            self._commit,
            job,
            f"{job}/artifacts/browse" if job else "",
            folder_in(self._environ.get("CI_PROJECT_DIR", "")),
        )
