"""Flags over environment over file over defaults -> `Settings`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from trueline.context import Enforce, FormatOptions

from .errors import Origin, did_you_mean
from .kinds import Kind
from .model import Limits, ModelAlias, Proxy, Settings, Timeouts, Upstream
from .prices import read_prices
from .providers import from_environment, reached
from .references import expand
from .rows import ROWS, TREE, Row
from .values import Value, Values, read_kind

__all__ = ["FILE_NAME", "find_settings_file", "load_settings"]

FILE_NAME = "trueline.yaml"

_Group = TypeVar("_Group", FormatOptions, Enforce, Timeouts, Limits)
_UPSTREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\[\]-]*")
# Kubernetes sets these in every pod beside a service that is named `trueline`: TRUELINE_PORT=tcp://10.0.0.1:4000.
_SERVICE_LINK = re.compile(r"TRUELINE_(SERVICE_.*|PORT_\d+_.*|PORT)")
_OTHER_VARIABLES = frozenset({"TRUELINE_CONFIG"})


def find_settings_file(config: str | None, env: Mapping[str, str]) -> Path | None:
    """`--config`, else TRUELINE_CONFIG, else `trueline.yaml` in the working directory if it is there."""
    named = config or env.get("TRUELINE_CONFIG")
    if named:
        return Path(named)
    return Path(FILE_NAME) if Path(FILE_NAME).is_file() else None


def load_settings(
    flags: Mapping[str, str | None] | None = None,
    env: Mapping[str, str] | None = None,
    file: str | Path | None = None,
) -> Settings:
    """Read all sources and check them together.

    `flags` maps keys (`timeouts.connect`) to their text; None is a flag that was not given.  No file is searched for:
    that is `find_settings_file`.  Raises SettingsError for the first mistake found.
    """
    env = env if env is not None else {}
    values: Values = {}
    warnings: list[str] = []
    if file is not None:
        from .file import read_file  # and YAML with it, which nobody else needs

        values, warnings = read_file(Path(file), env)
    loaders = (_read_env(env, warnings), _read_flags(flags or {}, env))
    for later in loaders:
        _set_aside_file_upstreams(values, later, warnings)
        values.update(later)
    return _build(values, warnings, env)


def _read_env(env: Mapping[str, str], warnings: list[str]) -> Values:
    values: Values = {}
    known: set[str] = set()
    for row in ROWS:
        known.update(row.env)
        for name in row.env:
            text = env.get(name)
            if not text or (_SERVICE_LINK.fullmatch(name) and text.startswith("tcp://")):
                continue
            values[row.path] = Value(_read_text(row, text, env, Origin("env", name)), Origin("env", name))
            break
    known |= _OTHER_VARIABLES
    for name in sorted(env):
        if name.startswith("TRUELINE_") and name not in known and not _SERVICE_LINK.fullmatch(name):
            near = did_you_mean(name, sorted(known), prefix="TRUELINE_")
            warnings.append(f"the environment variable {name} is no setting{near and ';' + near}")
    return values


def _read_flags(flags: Mapping[str, str | None], env: Mapping[str, str]) -> Values:
    rows = {row.key: row for row in ROWS}
    values: Values = {}
    for key, text in flags.items():
        if text is not None:
            origin = Origin("flag", rows[key].flag or key)
            values[rows[key].path] = Value(_read_text(rows[key], text, env, origin), origin)
    return values


def _read_text(row: Row, text: str, env: Mapping[str, str], origin: Origin) -> Any:
    def read(kind: Kind, found: str) -> Any:
        try:
            return read_kind(kind, expand(found, env))
        except ValueError as refused:
            raise origin.error(row.key, str(refused)) from None

    if row.kind.item is None:
        return read(row.kind, text)
    return tuple(read(row.kind.item, part) for part in re.split(r"[,\s]+", text) if part)


def _set_aside_file_upstreams(values: Values, later: Values, warnings: list[str]) -> None:
    """`upstream` from the environment or a flag stands in for all upstreams of the file, and for their aliases."""
    if ("upstream",) not in later:
        return
    by = later["upstream",].origin
    if ("upstream",) in values and ("key",) in values:
        # The key was given for the other upstream: it must not be sent to this one.
        warnings.append(f"the key of {values.pop(('key',)).origin} is set aside by {by}")
    gone = [path for path in values if path[0] in ("upstreams", "models")]
    if gone:
        warnings.append(f"the upstreams and models of {values[gone[0]].origin.name} are set aside by {by}")
    for path in gone:
        del values[path]


_PLAIN = (
    *("host", "port", "workers", "grace", "client_timeout", "server", "allow_public", "keys", "allowed_hosts"),
    *("log_level", "log_format", "count_remote_images"),
)


def _build(values: Values, warnings: list[str], env: Mapping[str, str]) -> Settings:
    def get(key: str, fallback: Any) -> Any:
        found = values.get(tuple(key.split(".")))
        return fallback if found is None else found.value

    base = Settings()
    timeouts = _group(values, ("timeouts",), base.timeouts)
    format = _format(values, (), base.format)
    upstreams = _upstreams(values, timeouts, format, env)
    providers = get("providers", base.providers)
    reach = providers == "on" or (providers == "auto" and not upstreams)
    return Settings(
        **{name: get(name, getattr(base, name)) for name in _PLAIN},
        upstreams=upstreams,
        models=_models(values, upstreams),
        tokenizers=_tokenizers(values),
        prices=read_prices(values),
        providers=providers,
        known=dict(from_environment(env, timeouts, format)) if reach else {},
        format=format,
        timeouts=timeouts,
        limits=_group(values, ("limits",), base.limits),
        record=_relative(values.get(("record",))),
        socket=_relative(values.get(("socket",))),
        tls_cert=_file(values.get(("tls_cert",)), "tls_cert"),
        tls_key=_file(values.get(("tls_key",)), "tls_key"),
        proxy=Proxy(http=get("proxy.http", None), https=get("proxy.https", None), no_proxy=get("proxy.no_proxy", ())),
        warnings=tuple(warnings),
        origins={".".join(path): value.origin for path, value in values.items()},
    )


def _group(values: Values, path: tuple[str, ...], base: _Group) -> _Group:
    """`base` with the values that stand under `path`, whose last part names a group of the table."""
    names = TREE[path[-1]]
    assert isinstance(names, dict)
    given = {name: values[(*path, name)].value for name in names if (*path, name) in values}
    return type(base)(**{name: given.get(name, getattr(base, name)) for name in names})


def _format(values: Values, path: tuple[str, ...], base: FormatOptions) -> FormatOptions:
    """How replies are written, and what of the requests is seen to: two groups of the table, one value here."""
    enforce = _group(values, (*path, "enforce"), base.enforce)
    return msgspec.structs.replace(_group(values, (*path, "format"), base), enforce=enforce)


def _named(values: Values, section: str) -> list[str]:
    return [path[1] for path in values if path[0] == section and len(path) == 2]


def _upstreams(
    values: Values, timeouts: Timeouts, format: FormatOptions, env: Mapping[str, str]
) -> dict[str, Upstream]:
    names = _named(values, "upstreams")
    short = values.get(("upstream",))
    key = values.get(("key",))
    if short is not None:
        if names:
            raise short.origin.error("upstream", "stands beside `upstreams`; use one of the two")
        name = urlsplit(short.value).netloc
        secret = key.value if key else None
        return {name: Upstream(name=name, url=short.value, key=secret, timeouts=timeouts, format=format)}
    if key is not None:
        raise key.origin.error("key", "belongs to `upstream`, which is not set; each of `upstreams` has its own `key`")
    return {name: _upstream(values, name, timeouts, format, env) for name in names}


def _upstream(values: Values, name: str, timeouts: Timeouts, format: FormatOptions, env: Mapping[str, str]) -> Upstream:
    path = ("upstreams", name)
    section = values[path].origin
    if not _UPSTREAM_NAME.fullmatch(name):
        allowed = "letters, digits, dot, dash and underscore"
        raise section.error(f"upstreams.{name}", f'found the name "{name}"; allowed: {allowed}')
    given = {row[2]: value for row, value in values.items() if row[:2] == path and len(row) == 3}
    plain = {row: given[row].value for row in ("headers", "verify", "on_unsupported") if row in given}
    return Upstream(
        name=name,
        **plain,
        **reached(name, given, section, env),
        ca_file=_file(given.get("ca_file"), f"upstreams.{name}.ca_file"),
        timeouts=_group(values, (*path, "timeouts"), timeouts),
        format=_format(values, path, format),
        capabilities=_capabilities(values, path),
    )


def _capabilities(values: Values, path: tuple[str, ...]) -> dict[str, Any]:
    """What is said of an upstream: fields of `providers.Capabilities`."""
    start = (*path, "capabilities")
    said = {at[-1]: value.value for at, value in values.items() if at[:-1] == start}
    lists = {way: said.pop(way, ()) for way in ("drop", "refuse")}
    unsupported = {name: way for way, names in lists.items() for name in names}
    return {**said, "unsupported": unsupported} if unsupported else said


def _relative(given: Value | None) -> str | None:
    """A path is relative to the file that it is written in."""
    if given is None or given.origin.kind != "file":
        return given.value if given is not None else None
    return str(Path(given.origin.name).parent / given.value)


def _file(given: Value | None, key: str) -> str | None:
    """A path is relative to the file that it is written in."""
    if given is None or given.value is None:
        return None
    path = Path(_relative(given) or "")
    if not path.is_file():
        raise given.origin.error(key, f'found "{given.value}", but there is no such file')
    return str(path)


def _tokenizers(values: Values) -> dict[str, str]:
    files: dict[str, str] = {}
    for path, given in values.items():
        key = ".".join(path)
        file = _file(given, key) if path[0] == "tokenizers" else None
        if file is not None:
            if find_spec("tokenizers") is None:
                wanted = "pip install 'trueline[tokenizers]'"
                raise given.origin.error(key, f"needs the package tokenizers, which is not installed: {wanted}")
            files[path[1]] = file
    return files


def _models(values: Values, upstreams: Mapping[str, Upstream]) -> dict[str, ModelAlias]:
    return {alias: _model(values, alias, upstreams) for alias in _named(values, "models")}


def _model(values: Values, alias: str, upstreams: Mapping[str, Upstream]) -> ModelAlias:
    path = ("models", alias)
    key = f"models.{alias}"
    section = values[path].origin
    model = values.get((*path, "model"))
    upstream = values.get((*path, "upstream"))
    short = values.get((*path, "short"))
    if short is not None:
        name, slash, rest = (short.value or "").partition("/")
        if not slash or not name or not rest:
            raise short.origin.error(key, f'found "{short.value or ""}"; allowed: upstream/model')
        upstream, model = Value(name, short.origin), Value(rest, short.origin)
    if upstream is None:
        if len(upstreams) != 1:
            raise section.error(f"{key}.upstream", f"is missing; allowed: {_listed(upstreams)}")
        upstream = Value(next(iter(upstreams)), section)
    if upstream.value not in upstreams:
        where = key if short else f"{key}.upstream"
        meant = did_you_mean(upstream.value, upstreams)
        raise upstream.origin.error(
            where, f'there is no upstream "{upstream.value}";{meant} allowed: {_listed(upstreams)}'
        )
    return ModelAlias(upstream.value, model.value if model else alias)


def _listed(upstreams: Mapping[str, Upstream]) -> str:
    return ", ".join(upstreams) or "none, as `upstreams` is empty"
