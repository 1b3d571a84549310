"""Reads and replaces the text of a manifest as a whole: mode, link and byte order mark stay."""

from __future__ import annotations

from pathlib import Path

from reconciler.errors import ReconcilerError
from reconciler.storage.disk import Disk, write_whole

_MARK = b"\xef\xbb\xbf"


def read_text(path: Path) -> str:
    """The text of a file. Raises ReconcilerError where there is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ReconcilerError(f"{path} cannot be read: {why}") from None


def replace_text(path: Path, text: str) -> None:
    """Puts a text in the place of a file's, in one step."""
    file = path.resolve()
    try:
        mode = file.stat().st_mode
        mark = _MARK if file.read_bytes().startswith(_MARK) else b""
        write_whole(Disk(), file, mark + text.encode())
        file.chmod(mode & 0o7777)
    except OSError as error:
        raise ReconcilerError(f"{path} cannot be written: {error.strerror}") from None


def write_new(path: Path, text: str) -> None:
    """Writes a file that is not there yet. Raises ReconcilerError where one is."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ReconcilerError(f"{path} exists already", fix="say --force to replace it") from None
    except OSError as error:
        raise ReconcilerError(f"{path} cannot be written: {error.strerror}") from None
