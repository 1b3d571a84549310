"""Images that an application names by itself: which digest a tag stands for, asked at every plan (interface 1.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.clients.image_rules import ImageRules
from reconciler.errors import ReconcilerError
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import PrepareContext, Prepared
from reconciler.model.resource import Desired
from reconciler.model.value import Value

UNRESOLVED = "A130"

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
        found = self._outputs(written)
        if isinstance(found, ReconcilerError):
            problem = Diagnostic(
                Severity.ERROR,
                UNRESOLVED,
                found.message,
                found.fix,
                str(wish.address),
                wish.source_of(("image",)),
            )
            return Prepared(diagnostics=(problem,))
        attributes = {"image": found["ref"], "image_disk_mb": found.get("disk_mb")}
        recorded = {written["text"]: str(found["origin"])} if found.get("origin") else {}
        return Prepared(attributes, recorded=recorded)

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
