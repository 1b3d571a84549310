"""The managed image registry: the OCI distribution protocol under /v2/ with Cloudflare's own habits (reference 4.4).

This is the door and the operations on manifests; `registry_blobs.py` has those on blobs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from reconciler.emulator import registry_blobs as blobs
from reconciler.emulator import registry_store as store
from reconciler.emulator.answers import JSON, Headers, Raw, encode
from reconciler.emulator.call import Call
from reconciler.emulator.registry_access import KIND, Visit, enter, expire
from reconciler.emulator.registry_manifest import DIGEST, LARGEST_MANIFEST, RegistryError, read_manifest
from reconciler.emulator.world import Settler

Handler = Callable[[Visit], Raw | Awaitable[Raw]]
Operation = tuple[Handler, set[str]]

SETTLERS: dict[str, Settler] = {KIND: expire}

_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_STATUSES = {
    "UNAUTHORIZED": 401,
    "DENIED": 403,
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_UNKNOWN": 404,
    "MANIFEST_UNKNOWN": 404,
    "NAME_UNKNOWN": 404,
    "UNSUPPORTED": 405,
    "PAYLOAD_TOO_LARGE": 413,
    "RANGE_INVALID": 416,
}


async def serve(call: Call) -> Raw:
    """Answers a request under /v2/; its body is read as a stream."""
    try:
        handler, visit = _admitted(call)
        outcome = handler(visit)
        return await outcome if inspect.isawaitable(outcome) else outcome
    except RegistryError as error:
        # A client that is still sending would see its connection cut instead of the reason.
        async for _ in call.stream():
            pass
        return _refused(call, error)


def _admitted(call: Call) -> tuple[Handler, Visit]:
    """Finds the operation, and lets it see only a request that it may answer."""
    visit, permissions = enter(call)
    operations, names = _found(call.path)
    handler, accepted = operations.get("GET" if call.method == "HEAD" else call.method, (None, set()))
    if handler is None:
        raise RegistryError("UNSUPPORTED", f"{call.method} is no operation of {call.path}")
    if accepted and not permissions & (accepted | ({"push"} if call.method == "HEAD" else set())):
        raise RegistryError("DENIED", f"this takes the permission {' or '.join(sorted(accepted))}")
    repository = names.get("repository", "")
    if repository and store.account_of(repository) != visit.account:
        raise RegistryError("DENIED", f"{repository} does not belong to account {visit.account}")
    if repository:
        store.check_repository(repository)
    return handler, visit.naming(repository, names.get("name", ""))


def _found(path: str) -> tuple[dict[str, Operation], dict[str, str]]:
    for pattern, operations in _OPERATIONS:
        match = pattern.fullmatch(path)
        if match:
            return operations, match.groupdict()
    raise RegistryError("NAME_UNKNOWN", f"the registry has nothing at {path}")


def _refused(call: Call, error: RegistryError) -> Raw:
    headers: Headers = [JSON, *error.headers]
    if error.code == "UNAUTHORIZED":
        headers.append(("www-authenticate", f'Basic realm="{call.scheme_and_host}"'))
    complaint = {"code": error.code, "message": error.message, "detail": error.detail}
    return Raw(_STATUSES.get(error.code, 400), encode({"errors": [complaint]}), headers)


def _base(_visit: Visit) -> Raw:
    return _json({})


def _list_repositories(visit: Visit) -> Raw:
    """Cloudflare's map of tags with `tags=true`, the standard list without (reference 4.4)."""
    catalog = store.catalog(visit.call.world, visit.account)
    names, last = _page(visit.call, list(catalog))
    if visit.call.one("tags") != "true":
        return _json({"repositories": names}, _next_page(visit.call, last))
    cursor = {"cursor": last} if last else {}
    return _json(
        {"repositories": {name: catalog[name] for name in names}} | cursor, _next_page(visit.call, last)
    )


def _collect_garbage(visit: Visit) -> Raw:
    return _json({"deleted": store.collect_garbage(visit.call.world, visit.files, visit.account)})


def _list_tags(visit: Visit) -> Raw:
    records = store.manifests(visit.call.world, visit.repository)
    if not records:
        raise RegistryError("NAME_UNKNOWN", f"there is no repository {visit.repository}")
    tags, last = _page(visit.call, sorted(tag for record in records for tag in record["tags"]))
    return _json({"name": visit.repository, "tags": tags}, _next_page(visit.call, last))


def _list_referrers(visit: Visit) -> Raw:
    wanted = visit.call.one("artifactType")
    records = store.manifests(visit.call.world, visit.repository)
    described = [_descriptor(record) for record in records if record["subject"] == visit.name]
    if wanted:
        described = [one for one in described if one.get("artifactType") == wanted]
    index = {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": described}
    filters: Headers = [("oci-filters-applied", "artifactType")] if wanted else []
    return Raw(200, encode(index), [("content-type", _INDEX_TYPE), *filters])


def _get_manifest(visit: Visit) -> Raw:
    record = _record(visit)
    headers: Headers = [
        ("content-type", record["media_type"]),
        ("content-length", str(record["size"])),
        ("etag", f'"{record["digest"]}"'),
        ("docker-content-digest", record["digest"]),
    ]
    if visit.call.method == "HEAD":
        return Raw(200, headers=headers)
    path = visit.files.content(record["digest"])
    if not path.exists():
        raise RegistryError("MANIFEST_UNKNOWN", f"{visit.repository} no longer has {visit.name}")
    return Raw(200, path.read_bytes(), headers)


async def _put_manifest(visit: Visit) -> Raw:
    """Keeps a manifest under its digest, and under the tag if the reference is one."""
    store.check_reference(visit.name)
    media_type = visit.call.headers.get("content-type", "").partition(";")[0].strip()
    manifest = read_manifest(await _small_body(visit.call), media_type)
    is_digest = DIGEST.fullmatch(visit.name) is not None
    if is_digest and visit.name != manifest.digest:
        raise RegistryError("DIGEST_INVALID", f"the manifest is {manifest.digest}, not {visit.name}")
    store.add_manifest(visit.call.world, visit.repository, manifest, None if is_digest else visit.name)
    visit.files.write(manifest.digest, manifest.content)
    headers: Headers = [
        ("location", f"/v2/{visit.repository}/manifests/{manifest.digest}"),
        ("docker-content-digest", manifest.digest),
    ]
    return Raw(201, headers=headers + ([("oci-subject", manifest.subject)] if manifest.subject else []))


def _delete_manifest(visit: Visit) -> Raw:
    """Deletes by digest and, unlike most registries, by tag (reference 4.4)."""
    _record(visit)
    store.remove_manifest(visit.call.world, visit.repository, visit.name)
    return Raw(202)


def _record(visit: Visit) -> store.Record:
    record = store.resolve(visit.call.world, visit.repository, visit.name)
    if record is None:
        raise RegistryError("MANIFEST_UNKNOWN", f"{visit.repository} has no {visit.name}")
    return record


def _descriptor(record: store.Record) -> dict[str, Any]:
    described = {"mediaType": record["media_type"], "digest": record["digest"], "size": record["size"]}
    optional = {"artifactType": record["artifact_type"], "annotations": record["annotations"]}
    return described | {key: value for key, value in optional.items() if value}


def _json(value: Any, headers: Headers | None = None) -> Raw:
    return Raw(200, encode(value), [JSON, *(headers or [])])


async def _small_body(call: Call) -> bytes:
    content = bytearray()
    async for chunk in call.stream():
        content += chunk
        if len(content) > LARGEST_MANIFEST:
            raise RegistryError("PAYLOAD_TOO_LARGE", f"a manifest has at most {LARGEST_MANIFEST} bytes")
    return bytes(content)


def _page(call: Call, names: list[str]) -> tuple[list[str], str]:
    """The names that `n` and `last` ask for, and the last of them if there are more."""
    after, limit = call.one("last") or call.one("cursor"), call.one("n")
    rest = [name for name in names if name > after]
    if not limit.isdecimal() or not 0 < int(limit) < len(rest):
        return rest, ""
    page = rest[: int(limit)]
    return page, page[-1]


def _next_page(call: Call, last: str) -> Headers:
    if not last:
        return []
    tags = "&tags=true" if call.one("tags") == "true" else ""
    return [("link", f'<{call.path}?n={call.one("n")}&last={quote(last)}{tags}>; rel="next"')]


_REPOSITORY = "/v2/(?P<repository>.+)"
_OPERATIONS: list[tuple[re.Pattern[str], dict[str, Operation]]] = [
    (re.compile(r"/v2/?"), {"GET": (_base, set())}),
    (re.compile(r"/v2/_catalog"), {"GET": (_list_repositories, {"pull", "list"})}),
    (re.compile(r"/v2/gc/layers"), {"PUT": (_collect_garbage, {"push"})}),
    (re.compile(_REPOSITORY + "/tags/list"), {"GET": (_list_tags, {"pull", "list"})}),
    (re.compile(_REPOSITORY + "/referrers/(?P<name>[^/]+)"), {"GET": (_list_referrers, {"pull"})}),
    (
        re.compile(_REPOSITORY + "/manifests/(?P<name>[^/]+)"),
        {
            "GET": (_get_manifest, {"pull"}),
            "PUT": (_put_manifest, {"push"}),
            "DELETE": (_delete_manifest, {"push"}),
        },
    ),
    (re.compile(_REPOSITORY + "/blobs/uploads/?"), {"POST": (blobs.begin_upload, {"push"})}),
    (
        re.compile(_REPOSITORY + "/blobs/uploads/(?P<name>[^/]+)"),
        {
            "GET": (blobs.upload_status, {"push"}),
            "PATCH": (blobs.continue_upload, {"push"}),
            "PUT": (blobs.finish_upload, {"push"}),
            "DELETE": (blobs.cancel_upload, {"push"}),
        },
    ),
    (
        re.compile(_REPOSITORY + "/blobs/(?P<name>[^/]+)"),
        {"GET": (blobs.get_blob, {"pull"}), "DELETE": (blobs.delete_blob, {"push"})},
    ),
]
