"""Images that an application names by itself: which digest a tag stands for, asked at every plan (interface 1.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.clients.image_rules import ImageRules
from reconciler.errors import AuthenticationError, ReconcilerError, UnavailableError
from reconciler.kinds.shared.image_names import UNPINNED
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import PrepareContext, Prepared
from reconciler.model.resource import Desired
from reconciler.model.value import Value

UNRESOLVED = "A130"
UNANSWERED = "A131"

_ORIGIN = "image_origin"
_LABELS = "image_labels"

ResolveImage = Callable[[str, ImageRules, str], Mapping[str, Any]]
"""Image's name, the rules it is read by, and the digest it had in a saved plan ("": none), to what it comes to."""


def pinned_images(
    resolve: ResolveImage | None, wishes: Sequence[Desired], context: PrepareContext
) -> dict[ResourceAddress, Prepared]:
    """The images of the wishes pinned, without the disk that they need."""
    if resolve is None:
        return {}
    prepared = ImageResolving(resolve, context).prepared(wishes)
    return {
        address: replace(
            one, attributes={key: value for key, value in one.attributes.items() if key == "image"}
        )
        for address, one in prepared.items()
    }


def image_facts(change: Change) -> dict[str, Value]:
    """What is to be remembered of an image that was pinned: should its registry not be readable one day, it stays so."""
    origin = change.desired.settings.get(_ORIGIN) if change.desired else None
    return {_ORIGIN: origin} if origin else {}


def image_details(change: Change) -> dict[str, Value]:
    """What its own image says of how it was built, for the reader of a change to that image."""
    labels = change.desired.settings.get(_LABELS) if change.desired else None
    return {"labels": dict(labels)} if labels and change.touches("image") else {}


class ImageResolving:
    """One look at every image that some application names by itself; each is asked for once."""

    def __init__(self, resolve: ResolveImage, context: PrepareContext) -> None:
        self._resolve = resolve
        self._context = context
        self._known: dict[str, Mapping[str, Any] | ReconcilerError] = {}

    def prepared(self, wishes: Sequence[Desired]) -> dict[ResourceAddress, Prepared]:
        """The wishes with their images pinned."""
        return {
            wish.address: self._prepared(wish, written)
            for wish in wishes
            if isinstance(written := wish.settings.get("image"), Mapping)
        }

    def _prepared(self, wish: Desired, written: Mapping[str, Value]) -> Prepared:
        text, found = written["text"], self._outputs(written)
        if isinstance(found, ReconcilerError):
            return _refused(wish, found)
        error = found.get("unreadable")
        if error is not None and found["digest"] is None:
            return self._unread(wish, text, error) or _as_written(wish, found, error)
        if not found.get("origin"):
            return Prepared({"image": found["ref"], "image_disk_mb": found.get("disk_mb")})
        pinned = _pinned(
            {
                "reference": text,
                "digest": str(found["origin"]),
                "image": found["ref"],
                "disk_mb": found.get("disk_mb"),
            }
        )
        return replace(pinned, settings={**pinned.settings, _LABELS: found.get("labels") or {}})

    def _unread(self, wish: Desired, text: str, error: ReconcilerError) -> Prepared | None:
        """As it was pinned by the last apply, if that could look the same name up."""
        prior = self._context.priors.get(wish.address)
        origin = prior.facts.get(_ORIGIN) if prior else None
        if (
            not prior
            or not origin
            or origin["reference"] != text
            or origin["image"] != prior.attributes.get("image")
        ):
            return None
        kept = "it keeps the digest of the last apply, even if its tag moved"
        return replace(_pinned(origin), diagnostics=(_unpinned(wish, text, error, kept),))

    def _outputs(self, written: Mapping[str, Value]) -> Mapping[str, Any] | ReconcilerError:
        text = written["text"]
        if text not in self._known:
            rules = ImageRules(
                written["registry_host"],
                written["account_id"],
                protocols=frozenset({text.partition("://")[0]}),
                hosts_known=False,
            )
            try:
                self._known[text] = self._resolve(text, rules, self._context.recorded.get(text, ""))
            except ReconcilerError as error:
                self._known[text] = error
        return self._known[text]


def _pinned(origin: Mapping[str, Any]) -> Prepared:
    return Prepared(
        {"image": origin["image"], "image_disk_mb": origin["disk_mb"]},
        recorded={origin["reference"]: origin["digest"]},
        settings={_ORIGIN: origin},
    )


def _as_written(wish: Desired, found: Mapping[str, Any], error: ReconcilerError) -> Prepared:
    """A tag that nothing is known of is not deployed for want of an answer: that may be there the next time."""
    if isinstance(error, UnavailableError):
        return _refused(wish, error)
    advice = "it is deployed as written, so what runs can change by itself; log in with `docker login`, or name a digest"
    warned = _unpinned(wish, found["ref"], error, advice)
    return Prepared({"image": found["ref"], "image_disk_mb": None}, diagnostics=(warned,))


def _refused(wish: Desired, error: ReconcilerError) -> Prepared:
    where = wish.source_of(("image",))
    code = UNANSWERED if isinstance(error, AuthenticationError | UnavailableError) else UNRESOLVED
    found = Diagnostic(Severity.ERROR, code, error.message, error.fix, str(wish.address), where)
    return Prepared(diagnostics=(found,))


def _unpinned(wish: Desired, text: str, error: ReconcilerError, detail: str) -> Diagnostic:
    summary = f"{text} cannot be looked up from here ({error.message})"
    where = wish.source_of(("image",))
    return Diagnostic(Severity.WARNING, UNPINNED, summary, detail, str(wish.address), where)
