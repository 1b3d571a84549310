"""An image as an earlier state remembers it, on its way to being wanted again: by its digest, from where it was deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.clients.image_rules import ImageRules, Place, place_image
from reconciler.frozen import frozen
from reconciler.kinds.image.facts import SOURCES
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change
from reconciler.model.handler import Lack, Prepared
from reconciler.model.resource import Desired, Prior
from reconciler.model.value import Attributes, Value

_ABSENT = "image_absent"


@frozen
class Recalling:
    """One look at images of then; `is_there` asks the registry for what outputs name."""

    rules: ImageRules
    priors: Mapping[ResourceAddress, Prior]
    is_there: Callable[[Attributes], bool]

    def recalled(self, wish: Desired) -> Prepared:
        """Outputs as they were, and where it is kept; whether it is still there is noted."""
        then = wish.then
        assert then is not None
        settings = self._settings(then.attributes)
        now = self.priors.get(wish.address)
        is_same = now is not None and now.outputs.get("ref") == then.outputs.get("ref")
        settings[_ABSENT] = not is_same and not self.is_there(then.outputs)
        # Whatever a part of them came from, an image is known by texts.
        texts = {key: value for key, value in then.attributes.items() if key != "name"}
        return Prepared(texts, then.outputs, settings=settings)

    def _settings(self, attributes: Attributes) -> dict[str, Value]:
        account = self.rules.account_id
        prefix = f"{self.rules.registry_host}/{account}"
        source = next((key for key in SOURCES if attributes.get(key) is not None), "")
        settings: dict[str, Value] = {"source": source, "prefix": prefix, "account_id": account}
        if source == "image":
            settings["place"] = self._place(attributes).value
        return settings

    def _place(self, attributes: Attributes) -> Place:
        text = str(attributes["image"])
        rules = replace(self.rules, protocols=frozenset({text.partition("://")[0]}))
        return place_image(text, rules, push=attributes.get("push") is True).place


def lacking_image(change: Change) -> Lack | None:
    """What to do where the registry has not the digest any more."""
    desired = change.desired
    if desired is None or desired.then is None or not desired.settings.get(_ABSENT):
        return None
    return Lack(
        f"{desired.then.outputs.get('ref')} is not there any more",
        "bring it there with `images copy`, or build it from the commit of then",
    )
