"""One comment for each manifest and environment: found again by its hidden first line, brought up to date, never doubled.

Only a comment of our own is touched: whoever can write a comment can write that line into one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime

from reconciler.clients.git_host import Comment, Discussion
from reconciler.errors import AuthenticationError, NotFoundError, ProviderError, UnavailableError
from reconciler.frozen import frozen
from reconciler.model.plan import Plan
from reconciler.render.markdown import (
    Dialect,
    EarlierPlan,
    Links,
    earlier_plans,
    made_at,
    marker,
    render_markdown,
    stamp,
)

_ATTEMPTS = 3
_STAMP_ROOM = 200


@frozen
class Posted:
    """What became of the comment: `created`, `updated`, `unchanged`, or `kept` where a later plan stands there."""

    outcome: str
    comment: Comment


@frozen
class Poster:
    """A plan as a comment of one host."""

    plan: Plan
    plan_hash: str
    plan_file: str
    dialect: Dialect
    links: Links

    @property
    def first_words(self) -> str:
        """What the comment begins with."""
        return f"<!-- {marker(self.plan, self.links.in_repository(self.plan.manifest.path))} "

    def body(self, before: str = "") -> str:
        """The comment, with the plans folded in that it showed before."""
        this = (self.plan_hash, self.links.commit)
        text = render_markdown(
            self.plan,
            self.dialect.limit - _STAMP_ROOM,
            dialect=self.dialect,
            links=self.links,
            plan_hash=self.plan_hash,
            plan_file=self.plan_file,
            earlier=[one for one in earlier_plans(before) if (one.plan_hash, one.commit) != this],
        )
        return text + stamp(self.dialect, self.plan)

    def is_late(self, before: str) -> bool:
        """Whether a comment shows a plan that was made after this one."""
        shown, ours = _moment(made_at(before)), _moment(self.plan.created_at)
        return shown is not None and ours is not None and shown > ours

    def post(self, place: Discussion, *, sleep: Callable[[float], object] = time.sleep) -> Posted:
        """Posts it, or brings the one that is there up to date; looks again where an answer was lost."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return self._post(place)
            except UnavailableError:
                sleep(float(attempt))
        return self._post(place)

    def _post(self, place: Discussion) -> Posted:
        mine = [one for one in self._found(place) if place.is_mine(one)]
        for comment in mine:
            # The host knows best what is ours; and it may be gone by now.
            with contextlib.suppress(AuthenticationError, NotFoundError):
                posted = self._update(place, comment)
                _remove(place, [other for other in mine if other.id != comment.id])
                return posted
        return self._create(place)

    def _create(self, place: Discussion) -> Posted:
        """Posts a new one, and gives way to one that somebody posted at the same time."""
        made = place.add(self.body())
        first = next((one for one in self._found(place) if one.author == made.author), made)
        if first.id == made.id:
            return Posted("created", made)
        try:
            posted = self._update(place, first)
        except (AuthenticationError, NotFoundError):
            return Posted("created", made)
        _remove(place, [made])
        return posted

    def _update(self, place: Discussion, comment: Comment) -> Posted:
        if self.is_late(comment.body):
            return Posted("kept", comment)
        body = self.body(comment.body)
        if _plain(body) == _plain(comment.body):
            return Posted("unchanged", comment)
        return Posted("updated", place.change(comment, body))

    def _found(self, place: Discussion) -> list[Comment]:
        """The comments on this manifest and environment, oldest first."""
        return [one for one in place.comments() if one.body.lstrip().startswith(self.first_words)]


def shown_in(comment: Comment) -> EarlierPlan | None:
    """The plan that a comment shows."""
    return next(iter(earlier_plans(comment.body)), None)


def _remove(place: Discussion, others: list[Comment]) -> None:
    """Takes away what was doubled; that it stays is no reason to fail."""
    for one in others:
        with contextlib.suppress(ProviderError):
            place.remove(one)


def _plain(body: str) -> str:
    """A body as it is whatever the host makes of line ends."""
    return body.replace("\r\n", "\n").strip()


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
