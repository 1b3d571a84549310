"""Layers with package lists in them, as tars that a test writes out in a line."""

from __future__ import annotations

import io
import json
import tarfile

from tests.clients.images import Image, image

DEBIAN = 'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="12"\n'
DPKG = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u4
Description: C library
 Package: not this one

Package: gone
Status: deinstall ok config-files
Version: 1.0
"""


def layer(files: dict[str, str | None] | None = None, **how: str) -> bytes:
    """A tar; a name that ends in `/` is a folder, one with None is a link to somewhere."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, text in (files or {}).items():
            member = tarfile.TarInfo(name.rstrip("/"))
            content = (text or "").encode()
            if name.endswith("/"):
                member.type = tarfile.DIRTYPE
            elif text is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/nowhere"
            else:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in how.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            tar.addfile(member)
    return out.getvalue()


def python(name: str, version: str) -> tuple[str, str]:
    """The file that pip leaves, with what is in it."""
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nVersion: not this one\n"
    return f"usr/lib/python3/site-packages/{name}-{version}.dist-info/METADATA", text


def npm(name: str, version: str, above: str = "app") -> tuple[str, str]:
    """The file that npm leaves, with what is in it."""
    return f"{above}/node_modules/{name}/package.json", json.dumps({"name": name, "version": version})


def python_image(**versions: str) -> Image:
    """An image with these Python packages."""
    return image(layer(dict([python(*one) for one in versions.items()])))
