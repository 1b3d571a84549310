"""Named images are made ready before an upload that names them: asked again until they are, with the time that it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.errors import InterruptedRunError, ProviderError
from reconciler.kinds.worker.preparing import make_images_ready

IMAGE = "registry.cloudflare.com/a/api@sha256:1"
WANTED = {"containers": {"Api": {"name": "api", "images": {"main": IMAGE, "other": IMAGE}}}}


@dataclass
class Slow:
    """A service that prepares an image for a while, and whoever waits for it."""

    answers: list[dict[str, Any]]
    asked: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    told: list[tuple[float, float, str]] = field(default_factory=list)
    stops: bool = False

    @property
    def transport(self) -> Slow:
        return self

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def prepare_image(self, image: str) -> dict[str, Any]:
        self.asked.append(image)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def progress(self, done: float, of: float, note: str) -> None:
        self.told.append((done, of, note))

    def stopping(self) -> bool:
        return self.stops


def prepared(slow: Slow, **more: Any) -> Slow:
    make_images_ready(slow, {**WANTED, **more}, slow)  # type: ignore[arg-type]
    return slow


def test_it_is_asked_for_until_it_is_ready_and_tells_how_long_it_takes() -> None:
    slow = prepared(Slow([{"status": "pending"}] * 6 + [{"status": "ready"}]))
    assert slow.asked == [IMAGE] * 7
    assert slow.pauses == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]
    notes = [note for _, _, note in slow.told]
    assert (notes[0], notes[-1]) == (
        f"preparing {IMAGE}, for 0 s so far",
        f"preparing {IMAGE}, for 6 s so far",
    )


def test_one_that_is_ready_is_asked_for_once() -> None:
    assert prepared(Slow([{"status": "ready"}])).pauses == []


def test_one_that_cannot_be_prepared_is_told_with_the_reason() -> None:
    with pytest.raises(ProviderError, match="could not be prepared: too large"):
        prepared(Slow([{"status": "error", "reason": "too large"}]))


def test_patience_has_an_end_that_the_manifest_may_move() -> None:
    slow = Slow([{"status": "pending"}])
    with pytest.raises(ProviderError, match="still not ready after 1 minutes") as caught:
        prepared(slow, prepare_timeouts={"Api": "1m"})
    assert caught.value.fix == "raise `prepare_timeout`, or run again"
    assert 60 <= sum(slow.pauses) < 63


def test_a_wish_to_stop_ends_it_before_anything_is_live() -> None:
    with pytest.raises(InterruptedRunError):
        prepared(Slow([{"status": "pending"}], stops=True))
