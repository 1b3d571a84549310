"""What the reference and the contract say a change of a field does, written down apart from the kinds' own tables.

One line per key of a block; a longer path goes before a shorter one. `changed` and `removed` are what a plan shows for the
resource: action and effect, or `nothing`; `kept`: nothing, and the plan says that the service keeps it; `refused`: it cannot
be left out. The last word says where that is written.
"""

from __future__ import annotations

from typing import NamedTuple


class Said(NamedTuple):
    """What becomes of a resource when a field of it gets another value, and when it is left out."""

    changed: str
    removed: str
    where: str


HOT, ROLLOUT, REPLACE = "update hot", "update rollout", "replace downtime"
NOTHING, KEPT, REFUSED, GUARD = "nothing", "kept", "refused", "update none"
PLACED, RUN = "update downtime", "run none"


def _all(changed: str, removed: str, where: str, *paths: str) -> dict[str, Said]:
    return {path: Said(changed, removed, where) for path in paths}


FORBIDDEN = Said(REFUSED, REFUSED, "interface 1.1: it is called by something else, or by nothing")

OPTIONS: dict[str, Said] = {
    **_all(GUARD, GUARD, "interface 4", "depends_on"),
    **_all(GUARD, NOTHING, "interface 4: `false` is as good as left out", "protect", "retain"),
    **_all(NOTHING, NOTHING, "interface 1.1", "adopt", "ignore_changes"),
    **_all(
        GUARD,
        GUARD,
        "interface 1.1: what is watched makes an edge, as `depends_on` does",
        "replace_on",
        "rollout_on",
    ),
}
"""The options that every kind takes alike; for `name` each kind has its own line."""

ELSEWHERE = {
    "external": "says whose the resource is: tests/manifest/test_options, tests/kinds/test_account, tests/kinds/test_job",
    "id": "belongs to `external`",
    "from.prompt": "asks on a terminal: tests/clients/test_secret_source",
    "for_each": "says how many resources there are: tests/scenarios/instance_removed",
}
"""Options that are no property of one resource, and where they are held."""

SAYS: dict[str, dict[str, Said]] = {
    "image": {
        **_all(GUARD, NOTHING, "interface 1.1: an image is copied to the new repository", "name"),
        **_all(GUARD, REFUSED, "interface 1.3", "build"),
        **_all(
            GUARD, GUARD, "interface 1.3: part of the inputs",
            *(f"build.{key}" for key in ("context", "dockerfile", "target", "args", "cache_key")),
        ),
        **_all(
            GUARD, GUARD, "interface 1.3: how, which the memory follows",
            *(f"build.{key}" for key in ("cache_from", "cache_to", "version_file", "not_secret")),
        ),
        **_all(GUARD, GUARD, "interface 1.3", "digest", "tags"),
        **_all(GUARD, REFUSED, "interface 1.3: neither tag nor digest is an error", "image.tag", "image.digest"),
        **_all(GUARD, GUARD, "interface 1.3: all platforms are another digest", "platforms"),
        **_all(GUARD, REFUSED, "interface 1.3", "image", "archive"),
        **_all(NOTHING, REFUSED, "interface 1.3: of another host, there is no image without it", "push"),
        **_all(NOTHING, NOTHING, "interface 1.3: only linux/amd64", "platform", "build.platform"),
    },
    "secret": {
        **_all("replace hot", NOTHING, "2.4: the name is the identity", "name"),
        **_all(HOT, REFUSED, "2.4: PATCH of the value, taken up at the next placement", "from"),
        **_all(GUARD, GUARD, "interface 1.5", "targets"),
    },
    "ssh_public_key": {
        **_all("replace hot", NOTHING, "2.5: change = delete + create", "name"),
        **_all("replace hot", REFUSED, "2.5", "public_key"),
        **_all("replace hot", REFUSED, "2.5", "public_key_file"),
    },
    "registry": {
        "name": FORBIDDEN,
        **_all("replace hot", REFUSED, "2.7: no modify", "domain", "public_credential"),
        **_all(NOTHING, NOTHING, "2.7.2: the kind is that of the domain", "kind"),
        **_all(HOT, REFUSED, "interface 1.1: a new value goes into the Secrets Store in place", "private_credential"),
    },
    "registry_protocol": {"name": FORBIDDEN, **_all(HOT, REFUSED, "2.8: PUT of the whole list", "domains")},
    "account": {"name": FORBIDDEN, **_all(HOT, HOT, "2.11: PATCH of the defaults", "defaults")},
    "worker": {
        **_all(REPLACE, NOTHING, "3.1: the name is in the path", "name"),
        **_all(HOT, REFUSED, "3.1", "main"),
        **_all(
            HOT, HOT, "3.1: an upload is live at once and replaces what it carries",
            "modules", "compatibility_date", "compatibility_flags", "vars", "secrets", "bindings", "observability",
            "limits", "placement", "logpush", "tail_consumers", "tags",
        ),
        **_all(HOT, HOT, "3.8", "routes", "triggers"),
        **_all(HOT, KEPT, "interface 1.6: left alone unless set", "workers_dev", "preview_urls"),
        **_all(HOT, NOTHING, "interface 1.6: a class that nobody names stays", "classes"),
    },
    "application": {
        **_all(REPLACE, NOTHING, "2.1.9: identity, and interface 1.1: names are kept", "name"),
        **_all(REPLACE, REPLACE, "2.1.9: immutable or create-only", "class_name", "scheduling_policy", "jobs"),
        **_all(REPLACE, REFUSED, "2.1.9: another worker is another namespace", "worker"),
        **_all(ROLLOUT, REFUSED, "2.1.9: configuration needs a rollout", "image"),
        **_all(ROLLOUT, REFUSED, "5.1: less than a custom type needs", "instance_type.vcpu", "instance_type.memory_mib"),
        **_all(
            ROLLOUT, ROLLOUT, "2.1.9: configuration.* except authorized_keys and wrangler_ssh needs a rollout",
            "instance_type", "trusted_user_ca_keys", "ssh_public_key_ids", "environment_variables", "labels", "secrets",
            "command", "entrypoint", "network", "ports", "checks", "dns", "provisioner", "experimental_flags",
        ),
        **_all(HOT, HOT, "2.1.9: in place", "max_instances", "instances", "constraints", "rollout_active_grace_period"),
        **_all(HOT, HOT, "2.1.9: configuration, but no rollout", "ssh", "authorized_keys"),
        **_all(HOT, HOT, "2.1.9: top-level, in place", "observability"),
        **_all(HOT, KEPT, "2.1.6: omitted fields keep their value", "affinities", "priorities"),
        **_all(ROLLOUT, KEPT, "interface 1.4: merged into create, PATCH and rollout", "unsafe"),
        **_all(
            NOTHING, NOTHING, "interface 7: rollout preferences alone are no change",
            "rollout_step_percentage", "rollout_kind", "rollout",
        ),
        **_all(NOTHING, NOTHING, "interface 1.4: by itself it is never a change", "generation_variable"),
        **_all(NOTHING, NOTHING, "interface 1.4: an update of the owning worker", "images", "prepare_timeout"),
    },
    "deployment": {
        "name": FORBIDDEN,
        **_all(PLACED, REFUSED, "2.6: every change makes a new placement", "location", "image"),
        **_all(PLACED, REFUSED, "5.1: less than a custom type needs", "instance_type.vcpu", "instance_type.memory_mib"),
        **_all(
            PLACED, PLACED, "2.6: every change makes a new placement",
            "instance_type", "environment_variables", "labels", "secrets", "ssh_public_key_ids", "command", "entrypoint",
            "dns", "checks", "observability",
        ),
        **_all(
            REPLACE, REPLACE, "2.6: not modifiable, recreate",
            "network", "ports", "ssh", "authorized_keys", "trusted_user_ca_keys", "provisioner", "experimental_flags",
        ),
    },
    "job": {
        "name": FORBIDDEN,
        **_all(RUN, REFUSED, "2.3: change = new job", "application"),
        **_all(RUN, REFUSED, "interface 1.3: neither tag nor digest is an error", "image.tag", "image.digest"),
        **_all(
            RUN, RUN, "2.3: everything but `terminate` is immutable: change = new job",
            "image", "entrypoint", "command", "timeout", "instance_type", "environment_variables", "secrets",
        ),
        **_all(NOTHING, NOTHING, "interface 1.7: how, not what", "run", "on_lost"),
    },
}  # fmt: skip


def said(kind: str, path: str) -> Said | None:
    """The line that speaks for a place: its own, or the nearest one above it."""
    parts = path.replace("[]", "").split(".")
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if found := SAYS[kind].get(name) or OPTIONS.get(name):
            return found
    return None
