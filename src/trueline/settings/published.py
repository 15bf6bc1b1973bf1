"""What is published from the table: `docs/settings.md` and the JSON Schema that gives editors completion."""

from __future__ import annotations

from typing import Any

from .rows import GROUPS, SHORT_FORMS, TREE, Row, Section

__all__ = ["settings_markdown", "settings_schema"]

_INTRODUCTION = """\
# Settings

Every setting can stand in `trueline.yaml`, and most also in an environment variable or a flag of `trueline serve`.
Where several say it, the order is: flag, environment variable, file, default.  The file is the one that `--config`
or `TRUELINE_CONFIG` names, else `trueline.yaml` in the working directory, if it is there.

```yaml
upstreams:
  local: {url: http://127.0.0.1:11434/v1}
  deepseek: {provider: deepseek, key: env:DEEPSEEK_API_KEY}
models:
  gpt-4o-mini: deepseek/deepseek-chat
  smart: {upstream: local, model: qwen3:8b}
format: {extras: keep, reasoning: reasoning_content, model_name: upstream}
```

- `${VAR}` anywhere in a value, or `env:VAR` or `os.environ/VAR` as the whole value, reads the environment; a variable
  that is not set is an error.  `$${` is a literal `${`.
- `provider` names a row of [providers.md](providers.md), which knows the URL, the key's environment variable and how
  it is shown.
- A base URL without a path means `/v1`; one that ends in a lone `/` means the root of the server. With a `dialect` of
  its own, the URL may be bare or hold the API's version: the paths of the API are put behind either.
- With one upstream every model is forwarded to it; `models` adds names of your own.
- `local: http://127.0.0.1:11434/v1` is short for `local: {url: …}`.
- Times are seconds (`30`, `1.5`, `500ms`, `2m`), sizes are bytes (`1048576`, `64MiB`, `20MB`).
- Lists are separated by commas where they stand in a variable or a flag.
- `upstream` in a variable or a flag stands in for all upstreams and models of the file.
- One request changes `format` for its own reply by a header: `x-trueline-format: extras=drop, reasoning=think`; the ids
  of `options` and `off` are parted by `+` there. `enforce` is changed by the same header, under its whole names:
  `x-trueline-format: enforce.stop=off, enforce.on_invalid=error`. What is not allowed is a 400 that names what is.
- A mistake ends the start with its file, line and key, what was found and what is allowed.
- A LiteLLM `config.yaml` with a `model_list` is accepted as it is, as far as its providers are in that table; its
  `general_settings.master_key` becomes `keys`.

Editors complete and check the file against `trueline.schema.json` when its first line is
`# yaml-language-server: $schema=trueline.schema.json` with the path or URL of that schema.
"""


def settings_markdown() -> str:
    """The page `docs/settings.md`."""
    parts = [_INTRODUCTION]
    for title, rows in GROUPS.items():
        lines = [f"## {title}", "", "| key | value | default | variable, flag | |", "|---|---|---|---|---|"]
        lines += [_markdown_row(row) for row in rows]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _markdown_row(row: Row) -> str:
    ways = [f"`{name}`" for name in row.env] + ([f"`{row.flag}`"] if row.flag else [])
    cells = (
        f"`{row.key}`",
        row.kind.name,
        f"`{row.shown_default}`" if row.shown_default else "",
        ", ".join(ways),
        row.help,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def settings_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `trueline.yaml`."""
    schema = _section_schema(TREE, ())
    schema["properties"]["model_list"] = {
        "type": "array",
        "description": "LiteLLM's list of models, accepted for providers that are known.",
    }
    for name in ("litellm_settings", "general_settings", "router_settings", "environment_variables"):
        schema["properties"][name] = {"type": ["object", "null"], "description": "LiteLLM's; see model_list."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Trueline settings",
        **schema,
    }


def _section_schema(section: Section, path: tuple[str, ...]) -> dict[str, Any]:
    if "*" in section:
        named = section["*"]
        if isinstance(named, Row):
            return {"type": ["object", "null"], "additionalProperties": _row_schema(named)}
        inner: dict[str, Any] = _section_schema(named, (*path, "*"))
        if ".".join((*path, "*")) in SHORT_FORMS:
            inner = {"anyOf": [{"type": "string", "minLength": 1}, inner]}
        return {"type": ["object", "null"], "additionalProperties": inner}
    properties = {
        name: _row_schema(child) if isinstance(child, Row) else _section_schema(child, (*path, name))
        for name, child in section.items()
    }
    kind: Any = ["object", "null"] if path else "object"
    return {"type": kind, "additionalProperties": False, "properties": properties}


def _row_schema(row: Row) -> dict[str, Any]:
    schema = {**row.kind.schema, "description": row.help}
    return schema if row.default in (None, (), {}) else {**schema, "default": row.default}
