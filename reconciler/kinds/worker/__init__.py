"""Everything the house knows about workers: the scripts that own the classes behind which containers run.

`table` lists the attributes, `bind` reads a block, `forms` and `classes` go between the service's form and ours, `judging` says
what a change does, `looking` finds what is there, `uploading` words an upload, `handler` has the verbs.
"""

from reconciler.kinds.worker.handler import WorkerHandler

__all__ = ["WorkerHandler"]
