"""The servers of a run: the upstream, plain and behind TLS, and a gateway of each kind in front of both."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import replies
from .contenders import ROOT, Contender, Place, nginx, nginx_program
from .native_build import build
from .processes import Server, cores, free_port

__all__ = ["Gateway", "World", "world"]

WORK = ROOT / ".bench"
READY_SECONDS = 90.0


@dataclass
class Gateway:
    """A gateway that runs."""

    contender: Contender
    server: Server
    place: Place
    ready_seconds: float
    idle_mb: float


@dataclass
class World:
    """All that runs, and where the load client is."""

    client: Path
    folder: Path
    upstream_port: int
    gateways: dict[str, Gateway] = field(default_factory=dict)
    tls: dict[str, Gateway] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """Gateway -> why it did not start."""


@contextlib.contextmanager
def world(contenders: Sequence[Contender], with_tls: bool) -> Iterator[World]:
    """Build, start, and in any case end everything."""
    upstream, client = build("upstream", WORK / "bin"), build("client", WORK / "bin")
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=WORK))
    folder.chmod(0o755)  # nginx's worker is another user, where this one is root
    (folder / "replies").mkdir()
    for suffix, files in (("json", replies.wholes()), ("sse", replies.streams())):
        for name, data in files.items():
            (folder / "replies" / f"{name}.{suffix}").write_bytes(data)
    load_cores, _ = cores()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port = free_port()
        command = [str(upstream), str(port), str(folder / "replies")]
        server = stack.enter_context(Server(command, load_cores, folder / "upstream.log"))
        server.wait_until_ready(f"http://127.0.0.1:{port}/v1/models", 10)
        made = World(client, folder, port)
        for contender in contenders:
            start(stack, made, contender, made.gateways, port, None)
        if with_tls and nginx_program() and shutil.which("openssl"):
            tls_port, ca = start_tls(stack, folder, port)
            for contender in contenders:
                if contender.tls and contender.key in made.gateways:
                    start(stack, made, contender, made.tls, tls_port, ca)
        yield made


def start(
    stack: contextlib.ExitStack, made: World, contender: Contender, into: dict[str, Gateway], port: int, ca: Path | None
) -> None:
    """Start a gateway and wait until it answers; one that does not is reported, and the others go on."""
    folder = made.folder / (contender.key + ("-tls" if ca else ""))
    folder.mkdir()
    place = Place(folder, free_port(), port, ca)
    begun = contender.start(place)
    _, core = cores()
    server = stack.enter_context(Server(begun.command, core, folder / "log", begun.environment(), folder))
    try:
        seconds = server.wait_until_ready(f"http://127.0.0.1:{place.port}{contender.health}", READY_SECONDS)
    except RuntimeError as failure:
        made.failed[contender.key] = str(failure)
        return
    into[contender.key] = Gateway(contender, server, place, seconds, server.memory())


def start_tls(stack: contextlib.ExitStack, folder: Path, upstream_port: int) -> tuple[int, Path]:
    """nginx with a certificate of its own in front of the upstream; its port and the certificate."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
    subprocess.run([*request, *names, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    terminator = folder / "tls"
    terminator.mkdir()
    place = Place(terminator, free_port(), upstream_port)
    begun = nginx(place, "http", f" ssl; ssl_certificate {certificate}; ssl_certificate_key {key}", "")
    load_cores, _ = cores()
    stack.enter_context(Server(begun.command, load_cores, terminator / "log"))
    return place.port, certificate
