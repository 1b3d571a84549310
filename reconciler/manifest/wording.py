"""Words what jsonschema found: what a value must be, in plain words, and what stands there instead (interface 5).

The only user of jsonschema, which is imported when there is something to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from reconciler.frozen import frozen
from reconciler.manifest.findings import listed
from reconciler.manifest.schema import KEY
from reconciler.model.value import path_text

Where = tuple[str | int, ...]
_TEXT_AS_SPELLED = {"string", "number", "boolean"}
_LONGEST = 60


@frozen
class Problem:
    """One mistake; `path` leads to it from the checked value, to the map around it where a `key` is wrong.

    `known` has the keys that there are, where the key is none of them.
    """

    path: Where
    text: str
    code: str = "E202"
    key: str = ""
    known: tuple[str, ...] = ()


@frozen
class Showing:
    """How a wrong value may appear in a message: as it is, not at all (it may be a secret), or as where it came from."""

    openly: bool = True
    origin: str = ""

    def of(self, value: Any) -> str:
        """What stands there instead of what should."""
        if self.origin:
            return f"what {self.origin} gives"
        if isinstance(value, Mapping):
            return "a map"
        if isinstance(value, list):
            return "a list"
        if isinstance(value, str) and not self.openly:
            return "a text"
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= _LONGEST else f'{text[:_LONGEST]}..."'


Show = Callable[[Where], Showing]


def problems(schema: Mapping[str, Any], value: Any, show: Show) -> Iterator[Problem]:
    """What is wrong with a value, at least one thing: it is called where the other library has said no."""
    found = False
    for error in _validator()(schema).iter_errors(value):
        for problem in _worded(error, show):
            found = True
            yield problem
    if not found:
        # The two libraries read patterns a little differently; what one refuses is not let through in silence.
        yield Problem((), "is not what may stand here")


@cache
def _validator() -> Any:
    """The class of validators: made once, which takes as long as checking a resource."""
    from jsonschema import Draft202012Validator, validators

    return validators.extend(Draft202012Validator, {"uniqueItems": _unique_items})  # type: ignore[no-untyped-call]


def _unique_items(_validator: Any, wanted: Any, items: Any, _schema: Any) -> Iterator[Any]:
    """The library compares each with each where members cannot be sorted, which a long list takes for ever."""
    from jsonschema import ValidationError

    if not wanted or not isinstance(items, list):
        return
    seen = {json.dumps(item, sort_keys=True) for item in items}
    if len(seen) < len(items):
        yield ValidationError("not unique")


def _worded(error: Any, show: Show) -> Iterator[Problem]:
    path: Where = tuple(error.absolute_path)
    match error.validator:
        case "additionalProperties":
            yield from _unknown_keys(error, path)
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield Problem(path, f"needs {listed(missing)}", "E203")
        case _ if "propertyNames" in error.absolute_schema_path:
            yield _wrong_name(error, path)
        case "uniqueItems":
            yield Problem(path, "must not hold the same twice")
        case "minProperties" | "maxProperties":
            yield Problem(path, f"must have {_how_many(error.schema)}", "E203")
        case "anyOf" | "oneOf" if branch := _only_branch(error):
            for inner in branch:
                yield from _worded(inner, show)
        case _:
            yield Problem(path, f"must be {described(error.schema)}, not {show(path).of(error.instance)}")


def _unknown_keys(error: Any, path: Where) -> Iterator[Problem]:
    known = tuple(error.schema.get("properties", ()))
    for key in error.instance:
        if key not in known and not _matches(key, error.schema.get("patternProperties", ())):
            yield Problem(path, f'there is no key "{key[:80]}"', "E201", key, known)


def _matches(key: str, patterns: Iterable[str]) -> bool:
    import re

    return any(re.search(pattern, key) for pattern in patterns)


def _wrong_name(error: Any, path: Where) -> Problem:
    name = str(error.instance)
    if error.validator == "not":
        return Problem(path, f'"{name}" is no name for something', "E204", name)
    rule = f"be {described(error.schema)}"
    if error.validator_value == KEY:
        rule = "consist of lower-case letters, digits, - and _, beginning with a letter or digit"
    return Problem(path, f'the key "{name[:80]}" must {rule}', "E204", name)


def _only_branch(error: Any) -> list[Any]:
    """The errors of the one alternative that takes this type of value at all; empty where there is no such one."""
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [
        inner
        for inner in branches.values()
        if not any(one.validator in ("type", "enum", "const") and not one.path for one in inner)
    ]
    return fitting[0] if len(fitting) == 1 else []


def _how_many(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minProperties", 0), schema.get("maxProperties")
    names = [*schema.get("properties", ())]
    if least == most == 1:
        return f"exactly one of {listed(names, 'and')}" if names else "exactly one key"
    if most is None:
        return f"at least {least} {'key' if least == 1 else 'keys'}"
    of_what = f" of {listed(names)}" if names else ""
    return f"at most {most}{of_what}"


def described(schema: Mapping[str, Any]) -> str:
    """What a value must be: `a whole number of at least 0`."""
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return listed(dict.fromkeys(map(described, schema[keyword])), "or")
    if "else" in schema:
        return described(schema["else"])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        values = [one if isinstance(one, str) else json.dumps(one) for one in schema["enum"]]
        return f"one of {listed(values, 'or')}" if len(values) > 1 else values[0]
    types = _types(schema)
    return listed([_described_type(name, schema) for name in types], "or") if types else "valid"


def _types(schema: Mapping[str, Any]) -> list[str]:
    declared = schema.get("type", [])
    types = [declared] if isinstance(declared, str) else [name for name in declared if name != "null"]
    return ["string"] if set(types) == _TEXT_AS_SPELLED else types


def _described_type(name: str, schema: Mapping[str, Any]) -> str:
    match name:
        case "integer":
            return f"a whole number{_range(schema)}"
        case "number":
            return f"a number{_range(schema)}"
        case "boolean":
            return "true or false"
        case "array":
            return f"a list{_list_rules(schema)}"
        case "object":
            names = [*schema.get("properties", ())]
            return f"a map of {listed(names)}" if names else "a map"
        case _:
            return f"a text{_text_rules(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" from {least} to {most}"
    if least is not None:
        return f" of at least {least}"
    if most is not None:
        return f" of at most {most}"
    above = schema.get("exclusiveMinimum")
    return f" above {above}" if above is not None else ""


def _list_rules(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least and most:
        return f" of {least} to {most} members"
    if least:
        return " that is not empty" if least == 1 else f" of at least {least} members"
    return f" of at most {most} members" if most else ""


def _text_rules(schema: Mapping[str, Any]) -> str:
    rules = []
    least, most = schema.get("minLength"), schema.get("maxLength")
    if least and most:
        rules.append(f"has at least {least} characters and at most {most}")
    elif least == 1 and "pattern" not in schema:
        rules.append("is not empty")
    elif least or most:
        rules.append(f"has at least {least} characters" if least else f"has at most {most} characters")
    if "pattern" in schema:
        rules.append(f"matches {schema['pattern']}")
    if "format" in schema:
        rules.append(f"is a valid {schema['format']}")
    return f" that {listed(rules)}" if rules else ""


def sentence(where: Sequence[str | int], problem: Problem) -> str:
    """The problem with the attribute it concerns in front."""
    path = path_text(tuple(str(part) for part in where))
    if problem.key:
        return f"{problem.text} in {path}" if path else problem.text
    return f"{path} {problem.text}" if path else problem.text
