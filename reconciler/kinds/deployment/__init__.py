"""Everything the house knows about deployments: one container each, in one location (reference 2.6).

`table` has the facts, `bind` reads a block, `bodies` translates, `handler` has the verbs.
"""

from reconciler.kinds.deployment.handler import DeploymentHandler

__all__ = ["DeploymentHandler"]
