"""Who is measured: one row each.  How it is found, started and asked; nothing about how it is measured.

A new row is all that another gateway takes. A row whose program is absent is reported as such, with how to get it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

__all__ = ["CONTENDERS", "Contender", "Place", "Start"]

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".bench" / "peers"
COMPILED = ROOT / ".compiled"
KEY = "sk-bench"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gateway runs: a folder of its own, its port, its upstream, and whom to trust for TLS to it."""

    folder: Path
    port: int
    upstream_port: int
    ca: Path | None = None

    @property
    def upstream(self) -> str:
        """The upstream's address; TLS where there is an authority to trust."""
        return f"https://localhost:{self.upstream_port}" if self.ca else f"http://127.0.0.1:{self.upstream_port}"


@dataclass(frozen=True, slots=True)
class Start:
    """A command, and what is set in its environment."""

    command: list[str]
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Ours, with this checkout's package and what the row sets."""
        return {**os.environ, "PYTHONPATH": str(ROOT / "src"), **self.env}


@dataclass(frozen=True, slots=True)
class Contender:
    """A row: see the fields."""

    key: str
    title: str
    version: Callable[[], str | None]
    """None where it is absent."""
    get: str
    """How to install it."""
    start: Callable[[Place], Start]
    """Writes its settings, too."""
    health: str = "/health"
    headers: Callable[[Place], Mapping[str, str]] = lambda _: {}
    load: float = 1.0
    """The share of the streams that it is given: a slow one is measured by fewer."""
    connections: int = 32
    """Keep-alive connections of the load of whole replies."""
    patience: float = 1.0
    """How many times as long as the others it is measured."""
    stream_seconds: int = 60
    """How long the upstream's paced streams last: they are left earlier, but not by every gateway."""
    bears_faults: bool = True
    """Whether it has answers for an upstream with faults: else it is only measured with an exact one."""
    tls: bool = False
    """Whether its TLS to the upstream is measured, too."""
    install: Callable[[], None] | None = None
    """Installs it under .bench/, with the ordinary client of its registry."""


# -- nginx ------------------------------------------------------------------------------------------------------------

NGINX = """\
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 16384; }}
http {{
  access_log off; client_max_body_size 0; client_body_buffer_size 64k; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; tcp_nodelay on;
  upstream model {{ server 127.0.0.1:{upstream}; keepalive 4096; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port}{listen};
    location /health {{ return 200 "ok"; }}
    location / {{
      proxy_pass {scheme}://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_buffering off; proxy_request_buffering off; {more}
    }}
  }}
}}
"""


def nginx_program() -> str | None:
    """Debian puts it where a user's PATH may not reach."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def nginx_version() -> str | None:
    program = nginx_program()
    return said(program, "-v").rpartition("/")[2] if program else None


def start_nginx(place: Place) -> Start:
    more = (
        f"proxy_ssl_trusted_certificate {place.ca}; proxy_ssl_verify on; proxy_ssl_name localhost;" if place.ca else ""
    )
    return nginx(place, "https" if place.ca else "http", "", more)


def nginx(place: Place, scheme: str, listen: str, more: str) -> Start:
    """nginx as a proxy with one worker, and settings of its own."""
    program = nginx_program()
    assert program is not None
    text = NGINX.format(
        folder=place.folder, port=place.port, upstream=place.upstream_port, scheme=scheme, listen=listen, more=more
    )
    settings = place.folder / "nginx.conf"
    settings.write_text(text)
    return Start([program, "-e", str(place.folder / "error.log"), "-c", str(settings), "-p", str(place.folder)])


# -- Trueline ---------------------------------------------------------------------------------------------------------


def trueline_version() -> str | None:
    match = re.search(r'__version__ = "(.+)"', (ROOT / "src/trueline/__init__.py").read_text())
    return match[1] if match else None


@cache
def has_native() -> bool:
    """Whether this Trueline has a choice of servers."""
    return "--server" in said(sys.executable, "-m", "trueline", "serve", "--help")


def compiled_version() -> str | None:
    """None where nothing is compiled, or the source has changed since."""
    stamp = COMPILED / "stamp"
    if not stamp.exists() or stamp.read_text().strip() != sysconfig.get_config_var("EXT_SUFFIX"):
        return None
    made = stamp.stat().st_mtime
    return None if any(file.stat().st_mtime > made for file in (ROOT / "src").rglob("*.py")) else trueline_version()


def start_compiled(place: Place) -> Start:
    """As `scripts/serve` starts what `scripts/compile` made."""
    start = start_trueline(place, "--server", "native")
    return Start(start.command, {"PYTHONPATH": str(COMPILED)})


def start_trueline(place: Place, *flags: str) -> Start:
    verify = f", ca_file: {place.ca}" if place.ca else ""
    settings = place.folder / "trueline.yaml"
    settings.write_text(f'upstreams: {{bench: {{url: "{place.upstream}/v1"{verify}}}}}\nlog_level: warning\n')
    command = [sys.executable, "-m", "trueline", "serve", "--config", str(settings), "--port", str(place.port)]
    return Start([*command, "--workers", "1", *flags])


def start_floor(place: Place) -> Start:
    """See floor.py."""
    return Start(
        [sys.executable, "-m", "bench.floor", str(place.port), str(place.upstream_port)],
        {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))},
    )


# -- peers ------------------------------------------------------------------------------------------------------------


def litellm_version() -> str | None:
    python = PEERS / "litellm/bin/python"
    code = "from importlib.metadata import version; print(version('litellm'))"
    return said(str(python), "-c", code) if python.exists() else None


def install_litellm() -> None:
    subprocess.run([sys.executable, "-m", "venv", PEERS / "litellm"], check=True)
    subprocess.run([PEERS / "litellm/bin/python", "-m", "pip", "install", "-qq", "litellm[proxy]"], check=True)


def start_litellm(place: Place) -> Start:
    settings = place.folder / "litellm.yaml"
    model = f'model: "openai/*", api_base: "{place.upstream}/v1", api_key: {KEY}'
    settings.write_text(
        f'model_list: [{{model_name: "*", litellm_params: {{{model}}}}}]\n'
        "litellm_settings: {telemetry: false, num_retries: 0}\n"
    )
    command = [str(PEERS / "litellm/bin/litellm"), "--config", str(settings), "--host", "127.0.0.1"]
    env = {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    env["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"  # it demands no key: that costs least
    return Start([*command, "--port", str(place.port), "--num_workers", "1"], env)


PORTKEY = "node_modules/@portkey-ai/gateway"


def portkey_version() -> str | None:
    about = PEERS / "portkey" / PORTKEY / "package.json"
    match = re.search(r'"version": "(.+?)"', about.read_text()) if about.exists() else None
    return match[1] if match and shutil.which("node") else None


def install_portkey() -> None:
    folder = PEERS / "portkey"
    folder.mkdir(parents=True, exist_ok=True)
    # With a newer @hono/node-server its streams fail: https://github.com/Portkey-AI/gateway/issues/1389
    wanted = {"dependencies": {"@portkey-ai/gateway": "*"}, "overrides": {"@hono/node-server": "1.13.8"}}
    (folder / "package.json").write_text(json.dumps(wanted))
    npm = ["npm", "install", "--prefix", str(folder), "--no-fund", "--no-audit", "--silent"]
    subprocess.run(npm, check=True)


def start_portkey(place: Place) -> Start:
    script = PEERS / "portkey" / PORTKEY / "build/start-server.js"
    return Start(["node", str(script), f"--port={place.port}", "--headless"], {"NODE_ENV": "production"})


def portkey_headers(place: Place) -> dict[str, str]:
    return {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{place.upstream}/v1"}


def said(*command: str) -> str:
    """What a command prints, on either stream; empty where it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | {"COLUMNS": "200"})
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


CONTENDERS = (
    Contender("nginx", "nginx", nginx_version, "apt-get install nginx-light", start_nginx, tls=True),
    Contender("floor", "Bare proxy on uvloop", lambda: version("uvloop"), "", start_floor),
    Contender(
        "trueline", "Trueline", lambda: trueline_version() if has_native() else None,
        "this version has no native server yet", lambda place: start_trueline(place, "--server", "native"), tls=True,
    ),
    Contender(
        "trueline-compiled", "Trueline, compiled", compiled_version, "scripts/compile", start_compiled, tls=True,
    ),
    Contender(
        "trueline-asgi", "Trueline as ASGI app", trueline_version, "",
        lambda place: start_trueline(place, *(("--server", "asgi") if has_native() else ())), tls=True,
    ),
    Contender(
        "portkey", "Portkey", portkey_version, "scripts/bench --install (needs node and npm)", start_portkey,
        health="/", headers=portkey_headers, load=0.25, install=install_portkey,
    ),
    Contender(
        "litellm", "LiteLLM", litellm_version, "scripts/bench --install", start_litellm,
        health="/health/liveliness", load=0.05, connections=8, patience=2.0, stream_seconds=8, bears_faults=False,
        install=install_litellm,
    ),
)  # fmt: skip
