"""Everything the house knows about container applications.

`table` lists the attributes, `bind` reads a block, `forms` and `container` go between the service's form and ours, `judging`
says what a change does, `looking` finds what is there, `handler` has the verbs, `rollout` and `reverting` look after rollouts.
"""

from reconciler.kinds.application.handler import ApplicationHandler

__all__ = ["ApplicationHandler"]
