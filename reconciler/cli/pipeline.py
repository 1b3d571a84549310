"""Whose pipeline we run in, and which request it belongs to."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.cli.reviewing import Review
from reconciler.errors import ReconcilerError


def review_from(
    environ: Mapping[str, str], number: int | None = None, *, only_merged: bool = False
) -> Review:
    """The request that this run belongs to. Raises ReconcilerError where the environment does not say enough.

    `only_merged`: the one that the commit came from, and none that is still open.
    """
    if _is_github(environ):
        from reconciler.cli.github_run import GitHubRun

        return GitHubRun(environ).review(number, only_merged)
    from reconciler.cli.gitlab_run import GitLabRun

    return GitLabRun(environ).review(number, only_merged)


def _is_github(environ: Mapping[str, str]) -> bool:
    if environ.get("GITHUB_REPOSITORY") and not environ.get("GITLAB_CI"):
        return True
    if environ.get("CI_API_V4_URL") or environ.get("GITLAB_CI"):
        return False
    raise ReconcilerError(
        "this is neither GitHub Actions nor GitLab CI",
        fix="set GITHUB_REPOSITORY and GITHUB_TOKEN, or CI_API_V4_URL, CI_PROJECT_ID and GITLAB_TOKEN",
    )
