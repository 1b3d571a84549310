"""The table of the kind `image`: one row per key of its block, and what references to one may name (interface 1.3)."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.shared.schemas import described
from reconciler.model.change import Effect
from reconciler.model.kind import Attribute, Kind, Output, Uniqueness

PLATFORM = "linux/amd64"
SOURCES = ("build", "image", "archive")

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_DIGEST: dict[str, Any] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_ARGUMENT: dict[str, Any] = {"type": ["string", "number", "boolean"]}

_IMAGE: dict[str, Any] = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "properties": {
                "name": described(_TEXT, "The name without tag and digest."),
                "tag": described(_TEXT, "Its tag, looked up at every plan."),
                "digest": described(_DIGEST, "Its digest: `sha256:` and 64 hexadecimal digits."),
            },
            "required": ["name"],
            "additionalProperties": False,
        },
    ]
}

_BUILD: dict[str, Any] = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "properties": {
                "context": described(
                    {**_TEXT, "default": "."}, "The folder that is built from, relative to the manifest."
                ),
                "dockerfile": described(
                    _TEXT, "The recipe, relative to the context; by default its `Dockerfile`."
                ),
                "target": described(_TEXT, "The stage that is the image; by default the last one."),
                "args": described(
                    {"type": "object", "additionalProperties": _ARGUMENT},
                    "Build arguments by name; never a secret.",
                ),
                "platform": described(_TEXT, "Only linux/amd64 runs on Cloudflare."),
                "cache_from": described(_TEXTS, "Where the builder may take layers from, in buildx's words."),
                "cache_to": described(_TEXTS, "Where the builder leaves layers, in buildx's words."),
                "cache_key": described(_TEXT, "Any text: another one builds anew."),
                "version_file": described(
                    _TEXT, "A file, relative to the manifest, for commit, time and lock files."
                ),
                "not_secret": described(_TEXTS, "Names of arguments that look like secrets and are none."),
            },
            "additionalProperties": False,
        },
    ]
}


def _row(path: str, schema: dict[str, Any], description: str, **options: Any) -> Attribute:
    """A row of something that the registry does not give back, and whose change stops nothing that runs."""
    return Attribute(path, schema, description, effect=Effect.NONE, write_only=True, **options)


KIND = Kind(
    name="image",
    section="images",
    description="An image built, reused, copied or unpacked, and the digest it came to.",
    attributes=(
        Attribute(
            "name",
            _TEXT,
            "Repository in Cloudflare's registry that a build, copy or archive goes to.",
            effect=Effect.NONE,
        ),
        _row("build", _BUILD, "Builds the image from a Dockerfile. A text is the context."),
        _row("image", _IMAGE, "An image in a registry; without a host, Cloudflare's registry is meant."),
        _row("archive", _TEXT, "An OCI layout, what `docker save` wrote, or `docker-daemon:NAME`."),
        _row("push", {"type": "boolean"}, "Copies an image of another registry into Cloudflare's."),
        _row(
            "digest",
            _DIGEST,
            "The digest that is deployed; written, it pins, and nothing is built or copied.",
        ),
        _row("tags", _TEXTS, "Further tags kept on the digest."),
        _row("platform", {**_TEXT, "default": PLATFORM}, "Only linux/amd64 runs on Cloudflare."),
        _row("platforms", {"const": "all"}, "`all` keeps an index with all its platforms."),
        _row("repository", _TEXT, "Where it is deployed from, in full.", computed=True),
        _row("inputs", _TEXT, "Hash of everything that a build reads.", computed=True),
    ),
    outputs=(
        Output("ref", "Its name pinned by digest.", stable=False),
        Output("digest", "The digest that is deployed.", stable=False),
        Output("tag", "The tag under which it is kept.", stable=False),
        Output("repository", "Its name without tag and digest.", stable=False),
        Output("size", "Bytes when unpacked.", stable=False),
        Output("disk_mb", "MB of disk that an instance of it needs at least.", stable=False),
        Output("size_is_estimate", "Whether compressed layers hide the true size.", stable=False),
        Output("origin", "The digest that its source stands for, before a platform is chosen.", stable=False),
    ),
    uniqueness=Uniqueness.CONTENT,
    exclusive=(),
    one_of=(SOURCES,),
    create_first=True,
    deletable=False,
    harmless=True,
    name_pattern=r"[a-z0-9]+(?:(?:\.|_|__|-+|/)[a-z0-9]+)*",
    shared_between_environments=True,
    looks=0,
    at_once=4,
    expected_seconds={"create": 20.0, "update": 20.0},
)
