"""A Docker daemon (or Podman's socket) as plain methods: build, look up, save, untag. Docker's SDK is used here only.

What it says no with becomes a ProviderError at this border.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.clients.child_process import plain_lines
from reconciler.clients.docker_program import DockerProgram
from reconciler.errors import InterruptedRunError, NotFoundError, ProviderError, UnavailableError
from reconciler.frozen import frozen

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

DEFAULT_HOST = "unix:///var/run/docker.sock"

_SECONDS = 600
_GLANCE = 0.1
_SYSTEM_ERROR = re.compile(r"\[Errno -?\d+\] ([^'\"()]+)|Error\(-?\d+, '([^']+)'\)")
_UNREACHABLE = "start it, or name another one with DOCKER_HOST"

Heard = Callable[[str], None]
Stop = Callable[[], bool]


@frozen
class DaemonBuild:
    """What the daemon's own builder is told besides the context."""

    name: str
    dockerfile: str
    args: Mapping[str, str]
    target: str
    platform: str
    cache_from: Sequence[str] = ()


@contextmanager
def connected(environ: Mapping[str, str]) -> Iterator[DockerDaemon]:
    """A daemon that answers: the one of DOCKER_HOST, of the context that `docker` uses, or of this machine."""
    host = _host(environ)
    try:
        _knock(host)
        api = _client(environ, host)
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"Docker cannot be reached at {host} ({_why(error)})", fix=_UNREACHABLE
        ) from None
    try:
        yield DockerDaemon(api)
    finally:
        api.close()


def _host(environ: Mapping[str, str]) -> str:
    if host := environ.get("DOCKER_HOST"):
        return host
    program = DockerProgram.find(environ)
    return (program.host() if program else "") or DEFAULT_HOST


def _knock(host: str) -> None:
    """Tries a socket of this machine before the SDK does, which would not close it where nobody answers."""
    scheme, _, path = host.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)


def _client(environ: Mapping[str, str], host: str) -> APIClient:
    from docker import APIClient
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    try:
        settings: dict[str, Any] = {"base_url": host, **kwargs_from_env({"": "", **environ})}
        return APIClient(version="auto", timeout=_SECONDS, use_ssh_client=True, **settings)
    except DockerException as error:
        raise OSError(str(error)) from None


class DockerDaemon:
    """One daemon that has answered."""

    def __init__(self, api: APIClient) -> None:
        self._api: Any = api  # half of its methods have no types

    def has_buildkit(self) -> bool:
        """Whether BuildKit is in it; Podman speaks Docker's language without."""
        with _translated("Docker"):
            version: Mapping[str, Any] = self._api.version()
        names = {str(one.get("Name")) for one in version.get("Components") or ()}
        return "Podman Engine" not in names and _number(version.get("ApiVersion")) >= (1, 39)

    def image_id(self, name: str) -> str:
        """Which image has this name now."""
        with _translated(f"the image {name}"):
            return str(self._api.inspect_image(name)["Id"])

    def has_image(self, name: str) -> bool:
        """Whether an image has this name now."""
        try:
            return bool(self.image_id(name))
        except NotFoundError:
            return False

    def build(self, order: DaemonBuild, context: Iterable[bytes], heard: Heard, stop: Stop) -> bool:
        """Builds with the daemon's own builder, passes on each line it says, and tells whether all went well."""
        from docker.errors import APIError

        with _translated("the build"), self._stoppable(stop):
            try:
                events = self._api.build(
                    fileobj=_Feed(context, stop),
                    custom_context=True,
                    tag=order.name,
                    dockerfile=order.dockerfile,
                    buildargs=dict(order.args),
                    target=order.target or None,
                    platform=order.platform,
                    cache_from=list(order.cache_from) or None,
                    rm=True,
                    forcerm=True,
                    decode=True,
                    timeout=None,
                )
                verdicts = [_told(event, heard) for event in events]
                return all(verdicts)
            except APIError as error:  # a Dockerfile that cannot be read, for one
                return _told({"error": error.explanation or str(error)}, heard)

    def save(self, name: str, path: Path, stop: Stop) -> None:
        """Writes what `docker save` writes."""
        with _translated(f"the image {name}"), self._stoppable(stop), path.open("wb") as file:
            for piece in self._api.get_image(name):
                file.write(piece)

    def untag(self, name: str) -> None:
        """Takes a name off its image; an image without names goes, what it was built upon stays for the next build."""
        from docker.errors import DockerException

        with suppress(DockerException, OSError):
            self._api.remove_image(name, noprune=True)

    @contextmanager
    def _stoppable(self, stop: Stop) -> Iterator[None]:
        """Cuts an answer off as soon as `stop` says so: the daemon then ends what it does for us."""
        answers: list[Response] = []
        self._api.hooks["response"] = [lambda response, *_, **__: answers.append(response)]
        is_over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(stop, is_over, answers), name="watcher", daemon=True)
        watcher.start()
        try:
            yield
        except Exception:
            if not stop():
                raise
        finally:
            is_over.set()
            watcher.join()
        if stop():
            raise InterruptedRunError("stopped while waiting for Docker")


class _Feed:
    """What requests reads a context from, piece by piece; stops in the middle when it is time to."""

    def __init__(self, pieces: Iterable[bytes], stop: Stop) -> None:
        self._pieces = pieces
        self._stop = stop

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if self._stop():
                raise InterruptedRunError("stopped while sending the build context")
            yield piece


def _watch(stop: Stop, is_over: threading.Event, answers: Sequence[Response]) -> None:
    from docker.types import CancellableStream

    while not is_over.wait(_GLANCE):
        if stop() and answers:
            with suppress(Exception):
                CancellableStream(iter(()), answers[-1]).close()
            return


def _told(event: Mapping[str, Any], heard: Heard) -> bool:
    """Passes on what an event of a build says; tells whether it is no complaint."""
    for line in plain_lines(str(event.get("stream") or event.get("error") or event.get("status") or "")):
        heard(line)
    return "error" not in event


@contextmanager
def _translated(subject: str) -> Iterator[None]:
    from docker.errors import APIError, DockerException, ImageNotFound
    from requests import RequestException

    try:
        yield
    except ImageNotFound:
        raise NotFoundError(
            f"Docker has no such thing as {subject}", fix="check the name with `docker images`"
        ) from None
    except APIError as error:
        raise ProviderError(
            f"Docker refused {subject}: {error.explanation or error}", status=error.status_code or 0
        ) from None
    except (DockerException, RequestException, OSError) as error:
        raise UnavailableError(
            f"the connection to Docker broke off ({error})", fix="look whether it still runs"
        ) from None


def _why(error: Exception) -> str:
    """What the system said, out of the many words that others have put around it."""
    text = (getattr(error, "strerror", None) or str(error)).partition("\n")[0]
    found = _SYSTEM_ERROR.search(text)
    return next(filter(None, found.groups())) if found else text


def _number(text: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in str(text).split(".") if part.isdecimal())
