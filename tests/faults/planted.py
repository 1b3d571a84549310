"""Fifty secrets that are hard to hide, the project that uses them everywhere, and the search for what they may have become."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.harness import Project

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B{0}\nAQEFAASCBKcwggSjAgEAAoIB{0}\n-----END PRIVATE KEY-----\n"
SHAPES = (
    "planted-{0}",
    "s3cr3t{0}",
    "pa ss wo rd {0}",
    "  padded-{0}  ",
    "tab\there-{0}",
    "two\nlines-of-{0}",
    "carriage\r\nreturn-{0}",
    "trailing-newlines-{0}\n\n",
    PEM,
    "it's-{0}",
    'say "{0}" twice',
    "`id`-{0}",
    "$HOME-{0}",
    "$(id -u)-{0}",
    "${{env.HOME}}-{0}",
    "$${{x}}-{0}",
    "%s%n%d-{0}",
    "100%-{0}",
    "back\\slash\\n-{0}",
    "semi;colon&amp-{0}",
    "<script>alert('{0}')</script>",
    "<b>&amp;{0}</b>",
    "**bold**_{0}_",
    "[link](http://x/{0})",
    "| table | {0} |",
    "#{0} @everyone",
    "::error::{0}",
    "##[command]{0}",
    "größe-ключ-{0}",
    "鍵密碼ひみつ{0}",
    "🔑-{0}-🗝️",
    "\u202egnp.{0}",
    "zero\u200bwidth-{0}",
    "\x1b[31mred-{0}\x1b[0m",
    "bell\x07-{0}",
    '{{"a": "{0}"}}',
    "- yaml: {0}",
    "key: !!str {0}",
    "https://user:{0}@host.example/x?y=1&z=2#frag",
    "p@ss/w0rd+=&?{0}",
    "cGxhbnRlZC1zZWNyZXQt{0}==",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ7{0}In0.c2lnbmF0dXJl",
    "0123456789abcdef0123456789abcdef{0}",
    "b7e2c6d8-1111-4222-8333-{0}",
    "sha256:{0}",
    "a|b*c?d[e]f({0})",
    "~/{0}/../..",
    "C:\\Users\\{0}",
    "x" * 3000 + "{0}",
    "/registry.cloudflare.com/{0}",
)


def secrets(generation: str) -> list[str]:
    """Fifty values; those of two generations have nothing in common but their shapes."""
    return [shape.format(f"{generation}{number:02}q7Zk") for number, shape in enumerate(SHAPES)]


def source(number: int) -> str:
    """Three ways to fetch a value."""
    return (
        f"{{env: PLANTED_{number}}}",
        f"{{file: hidden/{number}}}",
        f"{{command: [cat, hidden/{number}]}}",
    )[number % 3]


def manifest() -> str:
    """A manifest in which every secret is used, alone and inside a text."""
    keys = range(len(SHAPES))
    declared = "".join(f"  s{n}: {{from: {source(n)}}}\n" for n in keys)
    alone = "".join(f"      S{n}: ${{secrets.s{n}}}\n" for n in keys)
    within = "".join(f'      T{n}: "postgres://app:${{secrets.s{n}}}@db/app"\n' for n in keys if n % 5 == 0)
    some = ", ".join(f'V{n}: "${{secrets.s{n}}}"' for n in keys if n % 7 == 0)
    return f"""\
version: 1
project: shop
images: {{api: {{archive: image}}}}
secrets:
{declared}
registries:
  hub: {{domain: docker.io, public_credential: shop, private_credential: "${{secrets.s0}}"}}
workers:
  edge:
    main: worker.js
    compatibility_date: "2026-10-01"
    bindings: {{API: "${{applications.api}}"}}
    secrets:
{alone}{within}
applications:
  api: {{image: "${{images.api}}", class_name: Api, max_instances: 2, secrets: {{{some}}}, rollout_on: [secret.s0, secret.s7]}}
  tasks: {{image: "${{images.api}}", jobs: true, instances: 0}}
jobs:
  migrate:
    application: ${{applications.tasks}}
    command: [migrate]
    secrets: {{{some}}}
outputs:
  image: ${{images.api.ref}}
"""


def hide(shop: Project, values: list[str]) -> None:
    """Puts the values where the manifest fetches them."""
    for number, value in enumerate(values):
        shop.environ[f"PLANTED_{number}"] = value
        path = shop.folder / "hidden" / str(number)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((value + "\n").encode())


def forms(value: str) -> set[str]:
    """What a value may have been turned into on its way to a file or a screen."""
    raw = value.encode()
    whole = [
        value,
        value.strip(),
        "\n".join(reversed(value.splitlines())),
        *(line for line in value.splitlines() if len(line.strip()) >= 12),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(value))[3:-3],
        repr(value)[1:-1],
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        shlex.quote(value),
        value.replace("$", "$$"),
        re.sub(r'(["\\$`])', r"\\\1", value),
        html.escape(value),
        html.escape(value, quote=False),
        raw.hex(),
    ]
    return {form for form in (*whole, *_base64(raw)) if len(form) >= 8}


def _base64(raw: bytes) -> Iterator[str]:
    """Base64 by itself, and what is certain of it inside a longer text."""
    for before in range(3):
        padded = base64.b64encode(b"\0" * before + raw).decode()
        certain = padded[(8 * before + 5) // 6 : (8 * (before + len(raw))) // 6]
        yield certain
        yield certain.replace("+", "-").replace("/", "_")


class Search:
    """Looks for every form of every value in whatever it is given, and keeps what it found."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = {form: value for value in values for form in forms(value)}
        self._needles = {form.encode() for form in self._forms}
        self.looked_at = 0
        self.hits: list[str] = []

    def through(self, where: str, data: bytes) -> None:
        self.looked_at += len(data)
        for needle in self._needles:
            if needle in data:
                at = data.index(needle)
                around = data[max(0, at - 60) : at + 20]
                self.hits.append(f"{where}: {self._forms[needle.decode()][:40]!r} in {around!r}")

    def through_files(self, folder: Path, but: Mapping[str, str]) -> None:
        """Every file of a folder, but those in which the values lie by the user's will."""
        for path in folder.rglob("*"):
            if path.is_file() and not any(part in but for part in path.relative_to(folder).parts):
                self.through(str(path), path.read_bytes())
