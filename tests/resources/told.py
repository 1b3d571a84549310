"""What the pages about the kinds say besides their tables: what for, how it leaves, how it is brought in, an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Keys = Mapping[str, tuple[str, ...]]


class Told(NamedTuple):
    """The words of one page. `sections`: what of the example is shown, section and keys; no keys means all of them."""

    intro: str
    leaving: str
    importing: str
    example: str
    sections: Keys
    more: str = ""


ALL: tuple[str, ...] = ()

TOLD: dict[str, Told] = {
    "image": Told(
        "Where an image comes from: a Dockerfile that is built, an OCI layout or tar that something else built, or a name in a"
        " registry. It ends as a digest, and `${images.<key>}` is that digest wherever an image is wanted. What the registry has"
        " already is neither built nor sent again. Nothing that runs notices a new image; whoever uses it is rolled over, and its"
        " own line in the plan says so.",
        "Only memory lets go of it. An image is never deleted, not even by `destroy`: an older version of an application may need"
        " it for a rollback. `reconciler images gc` shows what nobody uses any more.",
        "its name with tag or digest, such as `shop-api:1.2.3`",
        "adr-049",
        {"images": ALL},
        "[manifest.md](../manifest.md#images) has the forms of a name, [images.md](../images.md) how images are promoted, listed"
        " and cleaned up.",
    ),
    "secret": Told(
        "Where a value comes from that stands in no file of ours: an environment variable, a file, a program, a password manager."
        " Where it is used says where it goes: used by a container, it becomes a secret of the account; used by a worker, a"
        " script secret; used by a registry, it goes into the Secrets Store. A value cannot be read back, so a keyed fingerprint"
        " tells whether it has changed; the plan shows `(sensitive, changed)`.",
        "The account's secret is deleted, after everything that used it has let go of it.",
        "its name in the account; the next apply sends the value once more",
        "quickstart",
        {"images": ALL, "secrets": ALL, "workers": ALL, "applications": ALL},
        "Running containers take a new value up when they next start: `rollout_on: [secret.<key>]` on the application makes that"
        " a rollout. [secrets.md](../secrets.md) has the whole story.",
    ),
    "ssh_public_key": Told(
        "A public key that the account keeps and that containers take by its id. The service cannot change a key, so a changed"
        " one is a new one with a new id, and its users are updated after it. Only Ed25519 keys are taken.",
        "It is deleted. The service deletes by name: where two keys share one, nothing is deleted and the error lists both.",
        "its id, or its name where only one key has it",
        "ssh-keys",
        {"images": ALL, "ssh_public_keys": ALL, "applications": ALL},
    ),
    "registry": Told(
        "A registry outside of Cloudflare from which Cloudflare pulls images itself: Docker Hub, ECR or Google Artifact Registry."
        " Its private credential goes into the account's Secrets Store. Docker Hub may stand without credentials; that makes"
        " nothing and only allows its public images to be named.",
        "It is deleted with the secret in the Secrets Store that was made for it. While an application's image still comes"
        " from it, the error names the application.",
        "its domain, such as `docker.io`",
        "private-registries",
        {"secrets": ("hub-token",), "registries": ("hub",)},
        "Which credential is what: [manifest.md](../manifest.md#registries-and-protocols). Images of other hosts are"
        " [copied](image.md) with `push: true`.",
    ),
    "registry_protocol": Told(
        "One name for images that several registries may serve: `demo://api:1.0` is looked for in each of the domains. The key"
        " is the protocol.",
        "It is deleted. While an image is still named by it, the error names the applications.",
        "the protocol, such as `demo`",
        "private-registries",
        {"secrets": ALL, "registries": ALL, "registry_protocols": ALL},
    ),
    "worker": Told(
        "The script in front of containers: it owns the Durable Object classes that start them, and binds applications, other"
        " workers and Cloudflare's own objects. Nothing is bundled; `main` and what it imports by relative path are uploaded as"
        " they are. An upload is live at once and restarts no container.",
        "It is deleted, and its Durable Objects with their data, which has to be allowed (`--allow DELETES_DATA:worker.<key>`).",
        "the script's name; the next apply uploads it once more, since what it consists of cannot be compared",
        "durable-object-policy",
        {"images": ALL, "workers": ALL, "applications": ALL},
        "A class is renamed or deleted only by saying so under `classes`: [manifest.md](../manifest.md#workers).",
    ),
    "application": Told(
        "What Cloudflare calls a container application: which image runs, how large, how many, where, and how a change reaches"
        " what runs. With a `class_name` a Durable Object starts the instances; without one they run by themselves; with `jobs`"
        " only [jobs](job.md) run in it; with `scheduling_policy: durable_object` the Durable Object chooses among `images`.",
        "It is deleted with its instances, and apply waits until it is gone. The Durable Object class stays, with its storage.",
        "its id; `reconciler import --all` finds it by name",
        "generation",
        {"variables": ALL, "images": ALL, "secrets": ALL, "workers": ALL, "applications": ALL},
        "[rollouts.md](../rollouts.md) tells how a rollout goes, ends and is taken back.",
    ),
    "deployment": Told(
        "One container in one place, without a Durable Object in front of it, and with an address of its own if it asks for one."
        " Every change stops it, since it is placed anew. It has no name; the label `reconciler-operation` says which operation"
        " made it.",
        "It is deleted, and its address with it.",
        "its id",
        "deployments",
        {"images": ALL, "secrets": ALL, "deployments": ALL},
    ),
    "job": Told(
        "A run to completion in an [application](application.md) with `jobs: true`: migrations before a rollout, a seed once, a"
        " purge with every apply. It runs when what it is given differs from its last good run. What depends on it waits, and"
        " does not start if it ends with another code than 0 or takes too long.",
        "It is forgotten: what ran, ran.",
        "application and run, as `APPLICATION_ID/JOB_ID`; it then counts as run with what the manifest gives it",
        "jobs",
        {"images": ALL, "secrets": ALL, "applications": ("tasks",), "jobs": ("migrate",)},
        "Each run finds its own id in `RECONCILER_RUN`. More, also on lost answers: [manifest.md](../manifest.md#jobs).",
    ),
    "account": Told(
        "What a container of the account gets that does not say. There is one account, so nothing stands under a key; its"
        " address is `account.account`. With `external: true` nothing is written, and its limits, locations and defaults can"
        " be read.",
        "What was there before the first apply is put back.",
        "the account's id; what it finds then is what is put back at the end",
        "account-defaults",
        {"account": ALL, "outputs": ALL},
        "`reconciler account` shows limits, locations, and what a manifest would use of them.",
    ),
}  # fmt: skip

DEFAULTS = {
    "image.build.dockerfile": "`Dockerfile`",
    "image.push": "`false`",
    "registry_protocol.domains": "has to be there",
    "registry.kind": "told from `domain`",
    "registry.public_credential": "none, for Docker Hub's public images",
    "registry.private_credential": "none, for Docker Hub's public images",
    "worker.modules": "what `main` imports",
    "application.image": "has to be there, unless `images` are",
    "application.worker": "the one that binds it",
    "application.instances": "`1`; `0` behind a class",
    "application.observability": "its worker's",
    "application.rollout_step_percentage": "`[10, 100]`",
    "job.image": "the application's",
    "job.instance_type": "the application's",
}
"""What holds where a key is left out and the schema names no default."""
