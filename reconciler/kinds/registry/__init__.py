"""Everything the house knows about other image registries: their domain, and credentials in the Secrets Store (reference 2.7).

`table` lists the attributes and reads a block, `credential` is the secret in the store, `handler` has the verbs.
"""

from reconciler.kinds.registry.handler import RegistryHandler

__all__ = ["RegistryHandler"]
