"""A stand-in for Docker Hub's `python` image, made of what this machine has: the Python that runs the tests, a shell, and wheels.

For tests that build without any network: pip in it finds the wheels of packages that are installed here, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

PACKAGES = ("click", "h11", "uvicorn")

_SHELL = ("sh", "cat", "env", "id", "ls", "mkdir")
_PROGRAMS = ("groupadd", "install", "useradd")
_LIBRARY = re.compile(r"(/\S+)\s+\(0x")
_LEFT_OUT = {"__pycache__", "config-3.11-x86_64-linux-gnu", "idlelib", "site-packages", "test", "tkinter"}
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/login.defs": "UID_MIN 1000\nGID_MIN 1000\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\n",
    "etc/pip.conf": "[global]\nno-index = true\nfind-links = /wheels\ndisable-pip-version-check = true\n",
}


def what_is_missing() -> str:
    """The program that this machine has not, and that the image would need; empty if it has them all."""
    programs = [*_programs(), Path("/bin/busybox")]
    return next((path.name for path in programs if not path.exists()), "")


def write_lock(path: Path) -> None:
    """Pins the packages to the wheels in the image."""
    path.write_text("".join(_locked(name) for name in PACKAGES))


def base_layer() -> bytes:
    """The whole image as one tar."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in sorted(_contents().items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if _is_program(name) else 0o644
            tar.addfile(member, io.BytesIO(content))
        for name in ("python", "python3"):
            _link(tar, f"usr/local/bin/{name}", _python_name())
        for name in _SHELL:
            _link(tar, f"bin/{name}", "busybox")
        for folder, mode in (("tmp", 0o1777), ("root", 0o700), ("var/mail", 0o755)):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, mode
            tar.addfile(member)
    return packed.getvalue()


def _contents() -> dict[str, bytes]:
    found = {name: text.encode() for name, text in _FILES.items()}
    found["bin/busybox"] = Path("/bin/busybox").read_bytes()
    found[f"usr/local/bin/{_python_name()}"] = _interpreter().read_bytes()
    found |= {f"usr/sbin/{path.name}": path.read_bytes() for path in _programs()}
    extensions = []
    for path in _standard_library():
        inner = path.relative_to(_stdlib())
        found[f"usr/local/lib/{_python_name()}/{inner}"] = path.read_bytes()
        extensions += [path] if path.suffix == ".so" else []
    for library in _libraries([_interpreter(), *_programs(), *extensions]):
        found[_place_of(library)] = library.read_bytes()
    return found | {f"wheels/{name}": content for name, content in map(_wheel, PACKAGES)}


def _python_name() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def _interpreter() -> Path:
    return Path(sys.base_prefix, "bin", _python_name()).resolve()


def _stdlib() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _programs() -> list[Path]:
    return [Path(shutil.which(name, path="/usr/sbin:/usr/bin") or name) for name in _PROGRAMS]


def _standard_library() -> Iterator[Path]:
    for folder, folders, files in os.walk(_stdlib()):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        yield from (Path(folder, name) for name in files if not name.endswith(".a"))


def _libraries(programs: Iterable[Path]) -> set[Path]:
    """The shared libraries that programs need, by the names under which they are looked for."""
    words = ["ldd", *map(str, programs)]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return {Path(name) for name in _LIBRARY.findall(said)}


def _place_of(library: Path) -> str:
    """Where a library is found by everybody: those of a Python that somebody installed for himself lie elsewhere."""
    is_system = library.parts[1].startswith("lib") or library.parts[1:3] == ("usr", "lib")
    return str(library).lstrip("/") if is_system else f"usr/lib/{library.name}"


def _is_program(name: str) -> bool:
    return name.startswith(("bin/", "usr/local/bin/", "usr/sbin/", "lib", "usr/lib/"))


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)


def _locked(name: str) -> str:
    _, content = _wheel(name)
    return f"{name}=={distribution(name).version} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"


def _wheel(name: str) -> tuple[str, bytes]:
    """An installed package packed again: always the same bytes, and so the same hash."""
    found = distribution(name)
    contents = {
        str(path): Path(str(found.locate_file(path))).read_bytes()
        for path in found.files or ()
        if path.parts[0] != ".." and "__pycache__" not in path.parts
    }
    about = f"{name}-{found.version}.dist-info"
    for unneeded in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
        contents.pop(f"{about}/{unneeded}", None)
    record = "".join(
        f"{path},sha256={_urlsafe(content)},{len(content)}\n" for path, content in contents.items()
    )
    contents[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as wheel:
        for path, content in sorted(contents.items()):
            wheel.writestr(zipfile.ZipInfo(path), content)
    return f"{name}-{found.version}-py3-none-any.whl", packed.getvalue()


def _urlsafe(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
