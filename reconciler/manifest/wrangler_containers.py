"""The containers of a wrangler configuration as images and applications (reference 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.manifest.starting import Place, map_at, maps_at, slug
from reconciler.model.value import Path

_AS_IT_IS = (
    "class_name",
    "instance_type",
    "max_instances",
    "constraints",
    "affinities",
    "authorized_keys",
    "trusted_user_ca_keys",
    "rollout_step_percentage",
    "rollout_kind",
    "rollout_active_grace_period",
    "observability",
    "unsafe",
)
_MANAGED = "durable_object"
_OLD_SSH = "wrangler_ssh"
_READ = {
    *_AS_IT_IS,
    "name",
    "image",
    "images",
    "image_build_context",
    "image_vars",
    "scheduling_policy",
    "ssh",
    _OLD_SSH,
    "configuration",
}


class Containers:
    """The `containers` of one environment. `by_class` names the application that runs behind a class."""

    def __init__(
        self,
        config: Mapping[str, Any],
        worker: str,
        worker_name: str,
        environment: str,
        place: Place,
        note: Callable[[Path, str], None],
    ) -> None:
        self._worker = worker
        self._worker_name = worker_name
        self._environment = environment
        self._place = place
        self._note = note
        self._images: dict[str, Any] = {}
        self._blocks = {self._key(one): one for one in maps_at(config, "containers")}
        self.by_class = {
            str(one["class_name"]): key for key, one in self._blocks.items() if "class_name" in one
        }
        bindings = maps_at(map_at(config, "durable_objects"), "bindings")
        self._bound = {str(one.get("class_name")) for one in bindings if "script_name" not in one}
        self.classes_in_use = {*self._bound, *self.by_class}

    def sections(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Images and applications."""
        applications = {key: self._application(key, block) for key, block in self._blocks.items()}
        return self._images, applications

    def _key(self, block: Mapping[str, Any]) -> str:
        found = slug(str(block.get("class_name") or block.get("name") or "app"))
        return found.removesuffix("-container") or found

    def _application(self, key: str, block: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self._name(block), "adopt": True}
        if block.get("images"):
            made["images"] = {
                name: self._image(f"{key}-{slug(name)}", one) for name, one in block["images"].items()
            }
        else:
            made["image"] = self._image(key, block)
        if "class_name" in block and block["class_name"] not in self._bound:
            made["worker"] = self._worker
        made |= {name: block[name] for name in _AS_IT_IS if block.get(name) is not None}
        made |= self._older(key, block)
        for name in sorted(block.keys() - _READ):
            self._note(("applications", key), f"not converted: {name}")
        return made

    def _name(self, block: Mapping[str, Any]) -> str:
        """The name that wrangler gives."""
        if block.get("name"):
            return str(block["name"])
        parts = [self._worker_name, str(block.get("class_name", "")), self._environment]
        return "-".join(filter(None, parts)).lower().replace(" ", "-")

    def _image(self, key: str, block: Mapping[str, Any]) -> str:
        """A reference to an image that is built or copied, or the name of one that is in Cloudflare's registry."""
        text = str(
            block.get("image") or block.get("dockerfile") or map_at(block, "configuration").get("image") or ""
        )
        if block.get("dockerfile") or self._place.is_file(text):
            context = block.get("image_build_context") or block.get("build_context")
            self._images[key] = {"build": self._place.build(text, context)}
            if variables := block.get("image_vars") or block.get("build_vars"):
                self._images[key]["build"]["args"] = dict(variables)
            return f"${{images.{key}}}"
        host = text.partition("/")[0]
        if "/" in text and ("." in host or ":" in host) and host != "registry.cloudflare.com":
            self._images[key] = {"image": text, "push": True}
            return f"${{images.{key}}}"
        return text

    def _older(self, key: str, block: Mapping[str, Any]) -> dict[str, Any]:
        """What is written otherwise today."""
        made: dict[str, Any] = {}
        if ssh := block.get("ssh") or block.get(_OLD_SSH):
            made["ssh"] = ssh
        policy = block.get("scheduling_policy")
        if policy == _MANAGED:
            made["scheduling_policy"] = policy
        elif policy not in (None, "default"):
            self._note(("applications", key), f"not converted: scheduling_policy {policy}, which is no more")
        constraints = dict(map_at(block, "constraints"))
        if "tier" in constraints:
            tier = constraints.pop("tier")
            made["constraints"] = {**constraints, "tiers": constraints.get("tiers", [tier])}
        limits = map_at(block, "configuration")
        size: dict[str, Any] = {name: limits[name] for name in ("vcpu", "memory_mib") if name in limits}
        if isinstance(disk := limits.get("disk"), Mapping) and "size_mb" in disk:
            size["disk_mb"] = disk["size_mb"]
        return made | ({"instance_type": size} if size and "instance_type" not in block else {})
