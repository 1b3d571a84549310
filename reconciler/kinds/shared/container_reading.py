"""The part of a block that is about one container: keys, variables, ports, checks, secrets, by their names (interface 1.4).

The API's lists of named objects come to maps; a value that points elsewhere is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from reconciler.kinds.shared.container import canonical_check, check_name, key_name
from reconciler.model.kind import Lend
from reconciler.model.value import Path, Ref, TextOf, Unknown, Value

TWICE = "A105"
NOT_A_SECRET = "A106"  # noqa: S105 - a diagnostic's code
EXCLUSIVE = "A107"
BAD_CHECK = "A108"
BAD_KEY = "A109"

Report = Callable[[Path, str, str, str], None]


class ContainerReading:
    """One block's container on its way to attributes and lends."""

    def __init__(self, block: Mapping[str, Value], report: Report) -> None:
        self._block = block
        self._report = report
        self.attributes: dict[str, Value] = {}
        self.lends: list[Lend] = []

    def read(self) -> None:
        """Reads everything that has a name of its own, and the plain lists; most blocks have little of it."""
        for keys, part in _PARTS:
            if not keys.isdisjoint(self._block):
                part(self)

    def _members(self, key: str) -> Mapping[str, Value]:
        value = self._block.get(key, {})
        return value if isinstance(value, Mapping) else {}

    def _by_name(
        self, key: str, name_of: Callable[[Mapping[str, Value]], str], inner: Callable[[Any], Value]
    ) -> Value:
        """A map as it is, and the API's list as a map; None where it is not set."""
        value = self._block.get(key)
        if not isinstance(value, list | tuple):
            return value
        members: dict[str, Value] = {}
        for item in value:
            if not isinstance(item, Mapping):
                continue
            name = name_of(item)
            if name in members:
                self._report((key,), TWICE, f'`{key}` has "{name}" twice', "give each its own name")
            members[name] = inner(item)
        return members

    def read_keys(self) -> None:
        """The keys that may log in, and those of authorities."""
        for key in ("authorized_keys", "trusted_user_ca_keys"):
            found = self._by_name(key, key_name, lambda item: item.get("public_key"))
            if isinstance(found, Mapping):
                found = {
                    name: text.strip() if isinstance(text, str) else text for name, text in found.items()
                }
                for name in _not_ed25519(found):
                    summary = f'the key "{name}" is no Ed25519 key'
                    self._report((key,), BAD_KEY, summary, "only keys that begin with ssh-ed25519 are taken")
            if found is not None:
                self.attributes[key] = found

    def _variables(self) -> None:
        for key in ("environment_variables", "labels"):
            found = self._by_name(key, _plain_name, lambda item: item.get("value"))
            if isinstance(found, Mapping):
                found = {name: _as_text(value) for name, value in found.items() if value is not None}
            if found is not None:
                self.attributes[key] = found

    def _ports(self) -> None:
        ports = self._by_name("ports", _plain_name, _without_name)
        if ports is not None:
            self.attributes["ports"] = ports
        for name, port in self._members_of(ports):
            if port.get("port") is not None and port.get("assign_port") is not None:
                fix = "keep one of them"
                self._report(
                    ("ports",), EXCLUSIVE, f"{name}: `port` and `assign_port` exclude each other", fix
                )
        if self._members("network").get("mode") == "public-by-port" and not ports:
            summary = "`mode: public-by-port` needs at least one of `ports`"
            self._report(("network", "mode"), EXCLUSIVE, summary, "declare a port, or use another mode")

    def _members_of(self, members: Value) -> Iterator[tuple[str, Mapping[str, Value]]]:
        for name, member in members.items() if isinstance(members, Mapping) else ():
            if isinstance(member, Mapping):
                yield name, member

    def _lists(self) -> None:
        for key in ("command", "entrypoint", "ssh_public_key_ids"):
            if key in self._block:
                self.attributes[key] = _listed(self._block[key])
        keys = self.attributes.get("ssh_public_key_ids")
        if isinstance(keys, list):
            self.attributes["ssh_public_key_ids"] = [_with_path(one, "id") for one in keys]
        flags = self._block.get("experimental_flags")
        if flags is not None:
            is_plain = isinstance(flags, list | tuple) and all(isinstance(flag, str) for flag in flags)
            self.attributes["experimental_flags"] = sorted(set(flags)) if is_plain else flags

    def _checks(self) -> None:
        checks = self._by_name("checks", check_name, canonical_check)
        if checks is None:
            return
        if isinstance(checks, Mapping):
            checks = {
                name: canonical_check(check) if isinstance(check, Mapping) else check
                for name, check in checks.items()
            }
        self.attributes["checks"] = checks
        for name, check in self._members_of(checks):
            self._check_check(name, check)

    def _check_check(self, name: str, check: Mapping[str, Value]) -> None:
        port, ports = check.get("port"), self.attributes.get("ports", {})
        if isinstance(port, str) and isinstance(ports, Mapping) and port not in ports:
            summary = f'the check {name} asks the port "{port}", which `ports` does not name'
            self._report(("checks",), BAD_CHECK, summary, "a check names a port by its name")
        if check.get("type") == "tcp" and check.get("http"):
            summary = f"the check {name} is `tcp`, which asks nothing by `http`"
            self._report(("checks", name), BAD_CHECK, summary, "leave `http` out, or say `type: http`")

    def _secrets(self) -> None:
        found: dict[str, Value] = {}
        for variable, value in self._members("secrets").items():
            found[variable] = self._secret(variable, value)
            if variable in (self._members("environment_variables") or {}):
                summary = f"{variable} is among `environment_variables` too"
                self._report(("secrets", variable), TWICE, summary, "keep one of them")
        self.attributes["secrets"] = found

    def _secret(self, variable: str, value: Value) -> Value:
        if isinstance(value, Ref | TextOf) and value.address.kind == "secret":
            self.lends.append(Lend(value.address, "targets", value=True, member="account"))
            return Ref(value.address, ("name",), value.expression)
        if not isinstance(value, Unknown):
            summary = f"{variable} does not name a secret of this manifest"
            fix = "declare it under `secrets` and write ${secrets.<key>}, by itself"
            self._report(("secrets", variable), NOT_A_SECRET, summary, fix)
        return value


_PARTS: tuple[tuple[frozenset[str], Callable[[ContainerReading], None]], ...] = (
    (frozenset({"authorized_keys", "trusted_user_ca_keys"}), ContainerReading.read_keys),
    (frozenset({"environment_variables", "labels"}), ContainerReading._variables),
    (frozenset({"ports", "network"}), ContainerReading._ports),
    (
        frozenset({"command", "entrypoint", "ssh_public_key_ids", "experimental_flags"}),
        ContainerReading._lists,
    ),
    (frozenset({"checks"}), ContainerReading._checks),
    (frozenset({"secrets"}), ContainerReading._secrets),
)


def _not_ed25519(keys: Mapping[str, Value]) -> Iterable[str]:
    return [
        name
        for name, text in keys.items()
        if isinstance(text, str) and not text.lower().startswith("ssh-ed25519")
    ]


def _plain_name(item: Mapping[str, Value]) -> str:
    return str(item.get("name", ""))


def _without_name(item: Mapping[str, Value]) -> dict[str, Value]:
    return {key: value for key, value in item.items() if key != "name" and value is not None}


def _listed(value: Value) -> Value:
    return list(value) if isinstance(value, list | tuple) else value


def _with_path(value: Value, output: str) -> Value:
    if isinstance(value, Ref) and not value.path:
        return Ref(value.address, (output,), value.expression)
    return value


def _as_text(value: Value) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
