"""A pull request of GitHub or a merge request of GitLab, as the pipeline that we run in tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.clients.scrubber import Scrubber
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.render.markdown import GITHUB, Dialect, Links

if TYPE_CHECKING:
    from reconciler.clients.git_host import Discussion, GitHost


@frozen
class Review:
    """A request of one host; `number` 0: none. `project` is its repository or project, `commit` its last one."""

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


def folder_in(root: str) -> str:
    """Where in the checked-out repository we are; "" at its top, or outside of it."""
    here, top = Path.cwd().resolve(), Path(root).resolve()
    return here.relative_to(top).as_posix() if root and here != top and here.is_relative_to(top) else ""


def whole(number: object) -> int:
    """A number that somebody else wrote; 0 for anything else."""
    return int(str(number)) if str(number or "").isdecimal() else 0


def scrubber(*secrets: str) -> Scrubber:
    """Takes tokens out of what a host says."""
    scrub = Scrubber()
    for secret in filter(None, secrets):
        scrub.add(secret)
    return scrub
