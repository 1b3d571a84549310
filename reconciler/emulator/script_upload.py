"""Reads what a Worker is uploaded with: the metadata, and the modules (reference 3.1)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from reconciler.emulator.answers import GatewayError
from reconciler.emulator.call import Call
from reconciler.emulator.multipart import Part

INVALID = 10021
_LONGEST = {"workers/message": 1000, "workers/tag": 100}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HANDLERS = ("fetch", "scheduled", "queue", "email", "tail", "trace")
_MODULE_TYPES = ("application/javascript+module", "text/javascript+module", "text/x-python")


@dataclass(frozen=True, slots=True)
class Upload:
    """The two halves of an upload."""

    metadata: dict[str, Any]
    modules: tuple[Part, ...]

    @property
    def etag(self) -> str:
        """A hash of the content, the same for the same modules."""
        whole = hashlib.sha256(str(self.metadata.get("main_module")).encode())
        for module in sorted(self.modules, key=lambda module: module.name):
            whole.update(f"\0{module.name}\0{module.content_type}\0{len(module.data)}\0".encode())
            whole.update(module.data)
        return whole.hexdigest()

    @property
    def has_modules(self) -> bool:
        """Whether the script is written as modules, which Durable Objects need."""
        return "main_module" in self.metadata


def invalid(message: str, code: int = INVALID, **extra: Any) -> GatewayError:
    """The refusal of an upload."""
    return GatewayError(400, code, message, **extra)


def read_upload(call: Call) -> Upload:
    """The upload in a request's body, or a refusal that says what it lacks."""
    metadata = read_part(call, "metadata")
    modules = tuple(part for part in call.parts if part.name != "metadata")
    upload = Upload(metadata, modules)
    _check_main(upload)
    check_metadata(metadata)
    return upload


def read_part(call: Call, name: str) -> dict[str, Any]:
    """The JSON object in one part of an upload."""
    try:
        text = next((part.data for part in call.parts if part.name == name), None)
        document = msgspec.json.decode(text) if text is not None else None
    except ValueError as error:
        raise invalid(f"the upload cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise invalid(f"the upload has no part {name!r} with a JSON object")
    return document


def read_list(call: Call) -> list[dict[str, Any]]:
    """The list of JSON objects in a request's body."""
    return objects({"the body": _read_json(call)}, "the body")


def read_object(call: Call) -> dict[str, Any]:
    """The JSON object in a request's body."""
    document = _read_json(call)
    if not isinstance(document, dict):
        raise invalid("the body is no JSON object")
    return document


def objects(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of objects in a document; empty where the key is absent or null."""
    value = document.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise invalid(f"{key} is no list of objects")
    return value


def texts(document: dict[str, Any], key: str) -> list[str]:
    """A list of texts in a document; empty where the key is absent or null."""
    value = document.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid(f"{key} is no list of texts")
    return value


def check_annotations(annotations: object) -> None:
    """Refuses annotations that are no texts, or longer than the service keeps."""
    if not isinstance(annotations, dict):
        raise invalid("annotations is no object")
    for key, value in annotations.items():
        if not isinstance(value, str) or len(value.encode()) > _LONGEST.get(key, 1000):
            raise invalid(f"the annotation {key} is a text of at most {_LONGEST.get(key, 1000)} bytes")


def handlers(upload: Upload) -> list[str]:
    """The events that the main module seems to handle."""
    name = upload.metadata.get("main_module") or upload.metadata.get("body_part")
    main = next(module.data for module in upload.modules if module.name == name)
    return [word for word in _HANDLERS if re.search(rf"\b{word}\b".encode(), main)]


def may_export(upload: Upload, class_name: str) -> bool:
    """Whether the script may export a class: False only where it certainly does not."""
    named = {module.name: module for module in upload.modules}
    main = named.get(str(upload.metadata.get("main_module")))
    if main is None:
        return False
    if main.content_type.startswith("text/x-python"):
        return re.search(rf"\b{re.escape(class_name)}\b".encode(), main.data) is not None
    searched = upload.modules if re.search(rb"\bexport\s*\*", main.data) else (main,)
    exported = re.compile(rf"\bexport\b[^;]*?\b{re.escape(class_name)}\b".encode())
    return any(exported.search(module.data) for module in searched)


def _read_json(call: Call) -> Any:
    try:
        return call.document
    except ValueError as error:
        raise invalid(f"the body is not JSON: {error}") from error


def _check_main(upload: Upload) -> None:
    names = [upload.metadata[key] for key in ("main_module", "body_part") if key in upload.metadata]
    if len(names) != 1:
        raise invalid("the metadata names exactly one of main_module and body_part")
    main = next((module for module in upload.modules if module.name == names[0]), None)
    if main is None:
        raise invalid(f"No such module {names[0]!r}: there is no part of that name")
    if upload.has_modules and not main.content_type.startswith(_MODULE_TYPES):
        raise invalid(
            f"{names[0]} has the type {main.content_type or 'none'}; a main module has {_MODULE_TYPES[0]}"
        )


def _check_container(container: dict[str, Any]) -> None:
    for key, kind in (("name", str), ("class_name", str), ("images", dict)):
        if not isinstance(container.get(key), kind | None):
            raise invalid(f"containers: {key} has the wrong type")


def check_metadata(metadata: dict[str, Any]) -> None:
    """Refuses metadata whose fields have the wrong form."""
    for key in ("bindings", "containers", "tail_consumers"):
        objects(metadata, key)
    for key in ("compatibility_flags", "keep_bindings", "tags"):
        texts(metadata, key)
    for container in objects(metadata, "containers"):
        _check_container(container)
    date = metadata.get("compatibility_date")
    if date is not None and not (isinstance(date, str) and _DATE.fullmatch(date)):
        raise invalid(f"compatibility_date is a date like 2026-10-01, not {date!r}")
    for key in ("migrations", "exports", "annotations", "observability", "limits", "placement"):
        if not isinstance(metadata.get(key), dict | None):
            raise invalid(f"{key} is no object")
    for name, entry in (metadata.get("exports") or {}).items():
        if not isinstance(entry, dict) or not isinstance(entry.get("container"), str | None):
            raise invalid(f"exports: {name} is an object, and its container a text")
    check_annotations(metadata.get("annotations") or {})
