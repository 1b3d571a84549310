"""Converts wrangler's configuration to a first manifest: plain data and comments about what could not be converted.

Names that wrangler gave are kept, so that what it deployed is taken over rather than made a second time. Its environments
inherit little; ours are overlays, so that each is converted by itself and what differs from the top level is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from reconciler.manifest.starting import Draft, Place, list_at, map_at, maps_at, slug
from reconciler.manifest.wrangler_bindings import Bindings
from reconciler.manifest.wrangler_containers import Containers

# These are not inherited by an environment (wrangler's documentation, "Non-inheritable keys").
_OWN = {
    "vars",
    "define",
    "durable_objects",
    "containers",
    "tail_consumers",
    "unsafe",
    "kv_namespaces",
    "r2_buckets",
    "d1_databases",
    "queues",
    "services",
    "ai",
    "browser",
    "images",
    "version_metadata",
    "hyperdrive",
    "vectorize",
    "analytics_engine_datasets",
    "dispatch_namespaces",
    "workflows",
    "secrets_store_secrets",
    "mtls_certificates",
    "send_email",
    "pipelines",
}
_AS_IT_IS = (
    "compatibility_date",
    "compatibility_flags",
    "observability",
    "limits",
    "placement",
    "logpush",
    "tail_consumers",
    "workers_dev",
    "preview_urls",
)
_OF_NO_CONCERN = {
    "$schema",
    "name",
    "main",
    "account_id",
    "env",
    "migrations",
    "dev",
    "send_metrics",
    "keep_vars",
    "minify",
    "no_bundle",
    "upload_source_maps",
    "vars",
    "route",
    "routes",
    "triggers",
    "durable_objects",
    "containers",
    *_AS_IT_IS,
}


def converted(config: dict[str, Any], place: Place) -> Draft:
    """The manifest that says what this configuration says. `place` knows the folders and what lies in them."""
    name = str(config.get("name") or place.project)
    environments = {key: own for key, own in map_at(config, "env").items() if isinstance(own, dict)}
    draft = Draft({"version": 1, "project": slug(name)})
    base = _Conversion({key: one for key, one in config.items() if key != "env"}, name, "", place, draft)
    draft.document |= base.sections()
    if environments:
        _add_environments(draft, config, environments, name, place)
    draft.note(
        (),
        f"Converted from {place.source}; `reconciler validate` checks it, `reconciler plan` shows what would change.",
    )
    return draft


def _add_environments(
    draft: Draft, config: Mapping[str, Any], environments: Mapping[str, Any], name: str, place: Place
) -> None:
    base = {key: value for key, value in draft.document.items() if key not in ("version", "project")}
    top = "production" if "production" not in environments else "top-level"
    overlays: dict[str, Any] = {top: {}}
    for key, own in environments.items():
        inherited = {
            key: value for key, value in config.items() if key not in _OWN and key not in ("env", "name")
        }
        effective = {**inherited, **own}
        named = str(own.get("name") or f"{name}-{key}")
        conversion = _Conversion(effective, named, key, place, draft, base_name=name)
        overlays[slug(key)] = _difference(base, conversion.sections())
    about = ("version", "project", "account_id")
    head = {key: value for key, value in draft.document.items() if key in about}
    rest = {key: value for key, value in draft.document.items() if key not in about}
    draft.document = {**head, "environments": overlays, **rest}
    draft.note(("environments", top), "What wrangler deploys without --env.")


def _difference(base: Any, other: Mapping[str, Any]) -> dict[str, Any]:
    """What an overlay has to say so that the base becomes the other; None takes a key out."""
    found: dict[str, Any] = {key: None for key in base if key not in other}
    for key, value in other.items():
        before = base.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := _difference(before, value):
                found[key] = inner
        elif value != before:
            found[key] = value
    return found


class _Conversion:
    """One environment of wrangler's on its way to sections."""

    def __init__(
        self,
        config: Mapping[str, Any],
        name: str,
        environment: str,
        place: Place,
        draft: Draft,
        *,
        base_name: str = "",
    ) -> None:
        self._config = config
        self._name = name
        self._key = slug(base_name or name)
        self._place = place
        self._draft = draft
        self._path = ("environments", slug(environment)) if environment else ()
        self._containers = Containers(config, self._key, base_name or name, environment, place, self._note)

    def sections(self) -> dict[str, Any]:
        """Account, images, workers and applications."""
        images, applications = self._containers.sections()
        account = self._config.get("account_id")
        found: dict[str, Any] = {"account_id": account} if isinstance(account, str) and account else {}
        if images:
            found["images"] = images
        found["workers"] = {self._key: self._worker()}
        if applications:
            found["applications"] = applications
        return found

    def _note(self, path: tuple[str, ...], text: str) -> None:
        if text not in self._draft.notes.get(path, ()):  # said of the top level, it need not be said again
            self._draft.note((*self._path, *path), text)

    def _worker(self) -> dict[str, Any]:
        path = ("workers", self._key)
        worker: dict[str, Any] = {"name": self._name, "adopt": True, "main": self._main()}
        worker |= {key: self._config[key] for key in _AS_IT_IS if self._config.get(key) is not None}
        variables = self._config.get("vars")
        if isinstance(variables, Mapping) and variables:
            worker["vars"] = _escaped(dict(variables))
        bindings = Bindings(self._config, self._containers.by_class, lambda text: self._note(path, text))
        worker |= {"bindings": bound} if (bound := bindings.converted()) else {}
        worker |= {"classes": classes} if (classes := self._classes()) else {}
        worker |= {"routes": routes} if (routes := self._routes()) else {}
        crons = list_at(map_at(self._config, "triggers"), "crons")
        worker |= {"triggers": {"crons": crons}} if crons else {}
        for key in sorted(self._config.keys() - _OF_NO_CONCERN - bindings.keys):
            self._note(path, f"not converted: {key}")
        return worker

    def _main(self) -> str:
        main = self._config.get("main")
        if not isinstance(main, str):
            self._note(("workers", self._key), "wrangler's configuration names no `main`")
            return "worker.js"
        if self._place.needs_bundling(main):
            bundle = "npx wrangler deploy --dry-run --outdir dist"
            self._note(
                ("workers", self._key),
                f"bundled from {main} by `{bundle}`: reconciler bundles nothing itself",
            )
            return self._place.beside(f"dist/{PurePosixPath(main).stem}.js")
        return self._place.beside(main)

    def _routes(self) -> list[Any]:
        routes = list_at(self._config, "routes") or [self._config.get("route")]
        known = ("pattern", "zone_id", "zone_name", "custom_domain")
        return [
            {key: one[key] for key in known if one.get(key) is not None} if isinstance(one, Mapping) else one
            for one in routes
            if one
        ]

    def _classes(self) -> dict[str, Any]:
        """What the migrations renamed or deleted; a new class needs no word."""
        fates: dict[str, Any] = {}
        bound = self._containers.classes_in_use
        for step in maps_at(self._config, "migrations"):
            for name in (*list_at(step, "new_classes"), *list_at(step, "new_sqlite_classes")):
                fates.pop(name, None)
            for rename in maps_at(step, "renamed_classes"):
                fates[str(rename.get("to"))] = {"renamed_from": rename.get("from")}
            fates |= {
                name: {"deleted": True} for name in list_at(step, "deleted_classes") if name not in bound
            }
            if step.get("transferred_classes"):
                self._note(
                    ("workers", self._key),
                    f"not converted: transferred classes of migration {step.get('tag')}",
                )
        return fates


def _escaped(value: Any) -> Any:
    """Texts as they are: `${` is a reference in a manifest."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {key: _escaped(inner) for key, inner in value.items()}
    return [_escaped(inner) for inner in value] if isinstance(value, list) else value
