"""The table of the kind `registry`, and how its block is read (interface 1.1, reference 2.7.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.model.handler import BindContext, Bound
from reconciler.model.kind import Attribute, Kind, Output, Removal, Uniqueness
from reconciler.model.value import Attributes, Value

NO_DOMAIN = "R101"
UNSUPPORTED = "R102"
OTHER_KIND = "R103"
CREDENTIALS = "R104"
NAMED = "R105"

HUB = "DockerHub"
GOOGLE = "GAR"
HOSTS = {
    "ECR": re.compile(r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com"),
    HUB: re.compile(r"docker\.io"),
    GOOGLE: re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-docker\.pkg\.dev"),
}
"""What Cloudflare pulls from, by kind (reference 2.7.2)."""

SUPPORTED = "docker.io, <account>.dkr.ecr.<region>.amazonaws.com and <location>-docker.pkg.dev are supported"

_OWN = ("domain", "kind", "public_credential", "private_credential")
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}

KIND = Kind(
    name="registry",
    section="registries",
    description="Another registry that Cloudflare may pull images from.",
    attributes=(
        Attribute(
            "domain",
            {"type": "string", "minLength": 3, "maxLength": 253},
            "Its host, without scheme and path.",
            replaces=True,
            removal=Removal.REPLACE,
        ),
        Attribute("kind", {"enum": [*HOSTS]}, "What it is; by default told from `domain`.", replaces=True),
        Attribute(
            "public_credential",
            _TEXT,
            "AWS access key id, Docker Hub user name, or service account email.",
            replaces=True,
            removal=Removal.REPLACE,
        ),
        Attribute(
            "private_credential",
            _TEXT,
            "`${secrets.<key>}`: AWS secret key, access token, or service account key (JSON).",
            write_only=True,
            secret=True,
            removal=Removal.REPLACE,
        ),
    ),
    outputs=(Output("domain", "Its host."),),
    uniqueness=Uniqueness.CONFLICT,
    exclusive=("domain",),
    named=False,
)


def read_block(block: Attributes, context: BindContext) -> Bound:
    """Tells the kind from the domain, and whether there have to be credentials."""
    domain = block.get("domain")
    if context.name is not None:
        context.report(("name",), NAMED, "a registry is called by its domain", "leave `name` out")
    if context.external:
        return Bound({"domain": domain} if domain else {}, name=text_of(domain))
    if domain is None:
        context.report((), NO_DOMAIN, "nothing says which registry this is", "say `domain`")
        return Bound({})
    attributes = {key: block[key] for key in _OWN if block.get(key) is not None}
    if isinstance(domain, str):
        attributes["kind"] = _checked_kind(domain, block.get("kind"), context)
    is_public = _check_credentials(attributes, context)
    return Bound(attributes, name="" if is_public else text_of(domain))


def is_remote(attributes: Attributes) -> bool:
    """Whether there is something in the account; a public Docker Hub needs nothing there."""
    return attributes.get("public_credential") is not None


def text_of(value: Value) -> str:
    """A text, or "" where it is not known yet."""
    return value if isinstance(value, str) else ""


def _checked_kind(domain: str, said: Value, context: BindContext) -> Value:
    """The kind that a domain is of (reference 2.7.2)."""
    kind = next((kind for kind, host in HOSTS.items() if host.fullmatch(domain)), None)
    if domain == context.registry_host:
        summary = f"{domain} is Cloudflare's own registry, which needs no entry"
        context.report(("domain",), UNSUPPORTED, summary, "take the entry out")
    elif "/" in domain:
        summary = f'"{domain}" is no host: scheme and path do not belong to it'
        context.report(("domain",), UNSUPPORTED, summary, SUPPORTED)
    elif kind is None:
        fix = f"{SUPPORTED}; copy others with `push: true` under `images`"
        context.report(("domain",), UNSUPPORTED, f"Cloudflare does not pull from {domain}", fix)
    elif isinstance(said, str) and said != kind:
        fix = f"say `kind: {kind}`, or leave it out"
        context.report(("kind",), OTHER_KIND, f"{domain} is of the kind {kind}, not {said}", fix)
    return kind or said


def _check_credentials(attributes: Mapping[str, Value], context: BindContext) -> bool:
    """Whether the entry goes without credentials, which only Docker Hub can (interface 1.3)."""
    given = [key for key in _OWN[2:] if key in attributes]
    if len(given) == 1:
        missing = next(key for key in _OWN[2:] if key not in given)
        context.report((given[0],), CREDENTIALS, f"`{missing}` is missing", "say both credentials, or none")
    elif not given and attributes.get("kind") in ("ECR", GOOGLE):
        summary = f"{attributes['domain']} gives nothing without credentials"
        context.report(
            (), CREDENTIALS, summary, "say `public_credential` and `private_credential: ${secrets.<key>}`"
        )
    return not given
