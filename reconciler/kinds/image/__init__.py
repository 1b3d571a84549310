"""Everything the house knows about images: what a manifest may say of one, where it comes from, how it gets into the registry.

`facts` is the table, `wish` reads a block, `resolving` finds out what it comes to, `handler` has the verbs.
"""

from reconciler.kinds.image.building import Builder, BuildInputs
from reconciler.kinds.image.handler import ImageHandler

__all__ = ["BuildInputs", "Builder", "ImageHandler"]
