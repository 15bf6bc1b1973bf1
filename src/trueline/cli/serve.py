"""`trueline serve`: settings, upstream, socket, start screen; then uvicorn (`server.py`) runs the application."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..settings import GROUPS, Row, Settings, SettingsError, find_settings_file, load_settings
from .discover import Choice, find_upstream, is_own_address, why_configured
from .listen import ListenError, listen
from .screen import sample_models, start_screen
from .terminal import has_colour

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "Sources", "add_arguments", "run", "source_names", "sources_of"]

USAGE = "trueline serve [--upstream URL] [--config FILE] [--host HOST] [--port N] [--workers N] [flags]"
DESCRIPTION = (
    "Run the proxy. With no upstream set, it is the one of OPENAI_API_KEY and OPENAI_BASE_URL, else a model server "
    "found on a usual local port (Ollama, vLLM, llama.cpp, LM Studio), else an embedded demo."
)
EPILOG = """\
examples:
  trueline serve
  trueline serve --upstream http://127.0.0.1:8000/v1
  trueline serve --upstream https://api.groq.com/openai/v1 --key env:GROQ_API_KEY
  trueline serve --config trueline.yaml --workers 4
  TRUELINE_KEYS=... trueline serve --host 0.0.0.0

Every flag can also be TRUELINE_… in the environment or a key of the settings file; a flag comes first, then the
environment, then the file.
"""

_METAVARS = {"host": "HOST", "integer": "N", "list of host": "HOST,…", "seconds": "SECONDS", "size": "SIZE"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--config`, and a flag for each row of the table of settings that has one."""
    parser.add_argument("--config", metavar="FILE", help="settings file (default: trueline.yaml, if it is there)")
    for title, rows in GROUPS.items():
        flagged = [row for row in rows if row.flag]
        group = parser.add_argument_group(title.lower()) if flagged else parser
        for row in flagged:
            _add_flag(group, row)


def _add_flag(group: argparse._ActionsContainer, row: Row) -> None:
    assert row.flag is not None
    text = row.help.replace("`", "").replace("%", "%%")
    if isinstance(row.default, bool):
        group.add_argument(row.flag, dest=row.key, action=argparse.BooleanOptionalAction, default=None, help=text)
        return
    if row.default not in (None, ()):
        text += f" (default: {row.shown_default})"
    group.add_argument(row.flag, dest=row.key, metavar=row.metavar or _metavar(row), help=text)


def _metavar(row: Row) -> str:
    words = row.kind.schema.get("enum")
    return "|".join(words) if words else _METAVARS[row.kind.name]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the settings of this run come from.  Worker processes read them again from here, so that no secret has to
    be handed to them but by the environment and the file, which they have anyway."""

    flags: Mapping[str, str]
    file: Path | None
    choice: Choice | None = None

    def load(self, env: Mapping[str, str]) -> Settings:
        """The settings with the upstream that was chosen at the start.  Raises SettingsError."""
        settings = load_settings(self.flags, env, self.file)
        return self.choice.apply(settings, env) if self.choice and not settings.upstreams else settings


def sources_of(args: argparse.Namespace, env: Mapping[str, str]) -> Sources:
    """Flags as text, as `load_settings` wants them, and the settings file."""
    keys = {row.key for rows in GROUPS.values() for row in rows if row.flag}
    given = {key: value for key, value in vars(args).items() if key in keys and value is not None}
    flags = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in given.items()}
    return Sources(flags, find_settings_file(args.config, env))


def run(args: argparse.Namespace) -> int:
    """Serve until stopped; 2 for settings that do not work, 1 where the server failed."""
    env = dict(os.environ)
    try:
        sources = sources_of(args, env)
        settings = sources.load(env)
        choice = find_upstream(settings, env)
        if choice is not None:
            sources = dataclasses.replace(sources, choice=choice)
            settings = choice.apply(settings, env)
        _refuse_circle(settings)
        _prepare_recording(settings)
        _check_certificate(settings)
        sock = listen(settings)
    except (SettingsError, ListenError) as error:
        print(f"trueline: {error}", file=sys.stderr)
        return 2
    screen = start_screen(
        settings,
        0 if settings.socket else sock.getsockname()[1],
        choice.why if choice else why_configured(settings),
        sample_models(settings, choice.models if choice else ()),
        source_names(settings),
        warnings=_flag_warnings(sources),
        colour=has_colour(sys.stdout),
    )
    from .server import serve

    _raise_file_limit()
    return serve(sources, settings, sock, lambda: print(screen, flush=True))


def _raise_file_limit() -> None:
    """As many open connections as the system allows; workers inherit it."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ImportError, OSError, ValueError):
        pass  # no POSIX, or not ours to raise: the limit stays as it is


def _refuse_circle(settings: Settings) -> None:
    for upstream in settings.upstreams.values():
        if not upstream.demo and is_own_address(upstream.url, settings):
            origin = settings.origins.get("upstream") or settings.origin(f"upstreams.{upstream.name}.url")
            raise origin.error(
                f"upstreams.{upstream.name}.url",
                f'found "{upstream.url}", which is where Trueline itself listens; allowed: another URL or --port',
            )


def _prepare_recording(settings: Settings) -> None:
    if settings.record is None:
        return
    from ..shell.recorder import prepare_folder

    try:
        prepare_folder(Path(settings.record))
    except OSError as failed:
        why = failed.strerror or str(failed)
        raise settings.origin("record").error(
            "record", f'nothing can be written to "{settings.record}": {why}'
        ) from None


def _check_certificate(settings: Settings) -> None:
    """Say in one line what is wrong with a certificate, before anything listens."""
    if settings.tls_cert is None:
        if settings.tls_key is not None:
            raise settings.origin("tls_key").error("tls_key", "belongs to `tls_cert`, which is not set")
        return
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.tls_cert, settings.tls_key, password=_no_password
        )
    except (OSError, ValueError) as failed:  # SSLError is an OSError
        files = " and ".join(f'"{name}"' for name in (settings.tls_cert, settings.tls_key) if name)
        why = getattr(failed, "reason", None) or getattr(failed, "strerror", None) or failed
        raise settings.origin("tls_cert").error(
            "tls_cert", f"found {files}, which cannot be used ({why}); allowed: PEM, the key without a password"
        ) from None


def _no_password() -> str:
    raise ValueError("the key has a password")


def source_names(settings: Settings) -> list[str]:
    """The files, variables and flags that settings were read from, flags first."""
    kinds = ("flag", "env", "file")
    found = sorted({(kinds.index(o.kind), o.name) for o in settings.origins.values() if o.kind in kinds})
    return [name for _, name in found]


def _flag_warnings(sources: Sources) -> list[str]:
    key = sources.flags.get("key", "")
    if key and not key.startswith(("env:", "os.environ/", "${")):
        return ["a key on the command line can be read by every user of this machine; better: --key env:NAME"]
    return []
