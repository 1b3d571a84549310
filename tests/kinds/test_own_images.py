from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.clients.image_rules import ImageRules
from reconciler.errors import AuthenticationError, ReconcilerError, UnavailableError
from reconciler.kinds.shared.image_resolving import ImageResolving, image_details, image_facts
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, AttributeChange, Change
from reconciler.model.handler import PrepareContext, Prepared
from reconciler.model.resource import Desired, Prior

ME = ResourceAddress("application", "api")
TEXT = "docker.io/team/api:1"
PINNED = "docker.io/team/api@sha256:" + "a" * 64
READ = {"ref": PINNED, "digest": "sha256:" + "a" * 64, "origin": "sha256:0", "disk_mb": 100}
DOWN, CLOSED = (
    UnavailableError("docker.io: no answer", sent=False),
    AuthenticationError("docker.io: not allowed"),
)


def prepared(found: Any, prior: Prior | None = None, text: str = TEXT) -> tuple[Desired, Prepared]:
    def resolve(_text: str, _rules: ImageRules, _recorded: str) -> dict[str, Any]:
        unread = {"ref": _text, "digest": None, "origin": None, "unreadable": found}
        return unread if isinstance(found, ReconcilerError) else dict(found)

    written = {"text": text, "registry_host": "registry.cloudflare.com", "account_id": "a" * 32}
    wish = Desired(ME, {}, settings={"image": written})
    context = PrepareContext({ME: prior} if prior else {})
    made = ImageResolving(resolve, context).prepared([wish])[ME]
    return Desired(ME, made.attributes, settings={**wish.settings, **made.settings}), made


def after_apply(image: str = PINNED) -> Prior:
    """What is remembered once a readable image was deployed; `image` is what it runs by now."""
    wish, made = prepared(READ)
    facts = image_facts(Change(ME, Action.CREATE, wish, wanted=made.attributes))
    return Prior(ME, "id", attributes={**made.attributes, "image": image}, facts=facts)


@pytest.mark.parametrize("error", [DOWN, CLOSED])
def test_an_image_stays_pinned_while_its_registry_cannot_be_read(error: ReconcilerError) -> None:
    _, made = prepared(error, after_apply())
    assert made.attributes == {"image": PINNED, "image_disk_mb": 100}
    assert made.recorded == {TEXT: "sha256:0"}
    (warned,) = made.diagnostics
    assert (warned.severity.value, warned.code) == ("warning", "UNPINNED_IMAGE")
    assert "keeps the digest of the last apply" in warned.detail


@pytest.mark.parametrize(
    ("prior", "text"),
    [
        (None, TEXT),
        (after_apply(), "docker.io/team/api:2"),
        (after_apply(image="docker.io/team/other@sha256:" + "b" * 64), TEXT),
        (Prior(ME, "id", attributes={"image": PINNED}), TEXT),
    ],
    ids=["new", "another tag", "another image since", "remembered by an older version"],
)
def test_what_is_not_known_is_deployed_as_written_or_not_at_all(prior: Prior | None, text: str) -> None:
    _, made = prepared(CLOSED, prior, text)
    assert made.attributes == {"image": text, "image_disk_mb": None}
    assert "docker login" in made.diagnostics[0].detail
    _, made = prepared(DOWN, prior, text)
    assert (made.attributes, made.diagnostics[0].severity.value) == ({}, "error")


def test_a_digest_needs_nobody_s_answer() -> None:
    found = {**READ, "origin": None, "unreadable": DOWN}
    _, made = prepared(found, text=PINNED)
    assert (made.attributes["image"], made.diagnostics) == (PINNED, ())


def test_labels_are_told_where_the_image_changes() -> None:
    wish, made = prepared({**READ, "labels": {"version": "2"}})
    new = AttributeChange(("image",), None, PINNED)
    change = Change(ME, Action.CREATE, wish, wanted=made.attributes, attributes=(new,))
    assert image_details(change) == {"labels": {"version": "2"}}
    assert image_details(replace(change, attributes=())) == {}
    assert "labels" not in image_facts(change)
