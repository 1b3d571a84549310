"""What containers take of the account, in the words that all kinds share that run some (interface 1.4, 1.7). Pure."""

from __future__ import annotations

from reconciler.frozen import frozen
from reconciler.kinds.shared.sizes import Numbers, numbers_of
from reconciler.model.value import Attributes, Value

SIZE = "instance_type"
MANNERS = (SIZE, "max_instances", "instances", "namespace", "location", "application")
"""The attributes that say how much that is, and where."""


@frozen
class Use:
    """So many containers at most, each of one size. None: nobody can tell yet."""

    instances: int | None
    size: Numbers | None

    @property
    def total(self) -> Numbers | None:
        """vCPU, memory and disk of all of them."""
        if self.instances is None or self.size is None:
            return None
        vcpu, memory, disk = self.size
        return self.instances * vcpu, self.instances * memory, self.instances * disk


def use_of(attributes: Attributes, settings: Attributes) -> Use | None:
    """What a resource may use; None for one that runs no containers.

    Behind a class it is `max_instances`; what has no number is one container. A size that is not all its own stands
    among the settings.
    """
    size = settings.get(SIZE, attributes.get(SIZE))
    if size is None and "scheduling_policy" not in attributes:
        return None
    return Use(_instances(attributes), numbers_of(size))


def _instances(attributes: Attributes) -> int | None:
    number: Value = attributes.get("instances", 1)
    if attributes.get("namespace") is not None:
        number = attributes.get("max_instances")
    return number if isinstance(number, int) else None
