"""`trueline.yaml` -> values by path, each with the line it stands on.

The file is read as YAML nodes, not as Python data, because nodes know their lines and keep every text as written
(`no`, `1_000` and `2024-10-01` stay what the user typed).  What may stand where is in `rows.TREE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .errors import Origin, SettingsError, did_you_mean
from .kinds import Kind, read_header_name
from .references import expand
from .rows import SHORT_FORMS, TREE, Row, Section
from .values import Value, Values, read_kind

__all__ = ["Document", "read_file"]


_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"
_NODE_NAMES: dict[type[yaml.Node], str] = {yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list"}
_LITELLM_SECTIONS = frozenset(
    {"model_list", "litellm_settings", "general_settings", "router_settings", "environment_variables"}
)


class Document:
    """One settings file: its name, for messages, and the environment that its references are read from."""

    def __init__(self, name: str, env: Mapping[str, str]) -> None:
        self.name = name
        self.env = env

    def error(self, node: yaml.Node | None, key: str, message: str) -> SettingsError:
        return SettingsError(self.name, node.start_mark.line + 1 if node else None, key or None, message)

    def origin(self, node: yaml.Node) -> Origin:
        return Origin("file", self.name, node.start_mark.line + 1)

    def text(self, node: yaml.Node, key: str, allowed: str) -> str | None:
        """A scalar's text with references replaced; None for null."""
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(node, key, f"found {_describe(node)}; allowed: {allowed}")
        if node.tag == _NULL:
            return None
        try:
            return expand(node.value, self.env)
        except ValueError as refused:
            raise self.error(node, key, str(refused)) from None

    def value(self, node: yaml.Node, key: str, kind: Kind) -> Any:
        try:
            return read_kind(kind, self.text(node, key, kind.allowed))
        except ValueError as refused:
            if isinstance(refused, SettingsError):
                raise
            raise self.error(node, key, str(refused)) from None

    def headers(self, node: yaml.Node, key: str, kind: Kind) -> dict[str, Any]:
        """A mapping of header names to values."""
        headers: dict[str, Any] = {}
        for name, name_node, child in self.pairs(node, key):
            try:
                read_header_name(name)
            except ValueError as refused:
                raise self.error(name_node, f"{key}.{name}", str(refused)) from None
            headers[name] = self.value(child, f"{key}.{name}", kind)
        return headers

    def pairs(self, node: yaml.Node, key: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """(name, key node, value node) of a mapping, merge keys included; an error for a name that stands twice."""
        if isinstance(node, yaml.ScalarNode) and node.tag == _NULL:
            return
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, key, f"found {_describe(node)}; allowed: a mapping")
        lines: dict[str, int] = {}
        merged: list[yaml.Node] = []
        for name_node, child in node.value:
            if name_node.tag == _MERGE:
                merged.extend(child.value if isinstance(child, yaml.SequenceNode) else [child])
                continue
            if not isinstance(name_node, yaml.ScalarNode):
                raise self.error(name_node, key, f"found {_describe(name_node)} as a key; allowed: a name")
            name = name_node.value
            if name in lines:
                inner = f"{key}.{name}" if key else name
                raise self.error(name_node, inner, f"duplicate key; it stands in line {lines[name]} already")
            lines[name] = name_node.start_mark.line + 1
            yield name, name_node, child
        for source in merged:
            for name, name_node, child in self.pairs(source, key):
                if name not in lines:
                    lines[name] = name_node.start_mark.line + 1
                    yield name, name_node, child


def _describe(node: yaml.Node) -> str:
    return _NODE_NAMES.get(type(node)) or ("nothing" if node.tag == _NULL else f'"{str(node.value)[:200]}"')


def read_file(path: Path, env: Mapping[str, str], name: str | None = None) -> tuple[Values, list[str]]:
    """The values of a settings file, and warnings.  Raises SettingsError for whatever is wrong in it."""
    document = Document(name or str(path), env)
    node = _compose(document, path)
    values: Values = {}
    warnings: list[str] = []
    if node is not None:
        try:
            _read_document(document, node, values, warnings)
        except RecursionError:
            raise document.error(None, "", "holds a mapping that is merged into itself") from None
    return values, warnings


def _read_document(document: Document, node: yaml.Node, values: Values, warnings: list[str]) -> None:
    foreign = {key: child for key, _, child in document.pairs(node, "") if key in _LITELLM_SECTIONS}
    if "model_list" in foreign:
        from .litellm import read_litellm

        read_litellm(document, foreign, values, warnings)
    else:
        foreign = {}
    _walk(document, node, TREE, (), values, skip=frozenset(foreign))


def _compose(document: Document, path: Path) -> yaml.Node | None:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as failed:
        raise document.error(None, "", f"cannot be read: {failed.strerror or failed}") from None
    except UnicodeDecodeError as failed:
        raise document.error(None, "", f"is not UTF-8 text (byte {failed.start})") from None
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as failed:
        mark = failed.problem_mark or failed.context_mark
        line = mark.line + 1 if mark else None
        raise SettingsError(document.name, line, None, f"is not YAML: {failed.problem or failed.context}") from None
    except yaml.YAMLError as failed:
        raise document.error(None, "", "is not YAML: " + " ".join(str(failed).split())) from None
    except RecursionError:
        raise document.error(None, "", "is nested too deep") from None
    return node


def _walk(
    document: Document,
    node: yaml.Node,
    section: Section,
    path: tuple[str, ...],
    values: Values,
    skip: frozenset[str] = frozenset(),
) -> None:
    for name, name_node, child in document.pairs(node, ".".join(path)):
        if name in skip:
            continue
        inner = (*path, name)
        key = ".".join(inner)
        known = section.get(name) or section.get("*")
        pattern = isinstance(section.get("*"), Row)
        if name == "*" and "*" in section and not pattern:
            raise document.error(name_node, key, "a * stands for nothing here; allowed: one name after the other")
        if (name == "*" and not pattern) or known is None:
            raise document.error(name_node, key, _unknown(name, section))
        if isinstance(known, Row):
            values[inner] = Value(_read_row(document, child, key, known.kind), document.origin(child))
            continue
        if "*" in section:
            _read_named(document, name_node, child, known, inner, values)
        else:
            _walk(document, child, known, inner, values)


def _read_named(
    document: Document, name_node: yaml.Node, child: yaml.Node, known: Section, path: tuple[str, ...], values: Values
) -> None:
    """One upstream or model: a section under a name of the user's, or its short form."""
    key = ".".join(path)
    values[path] = Value(None, document.origin(name_node))
    last = SHORT_FORMS.get(".".join((*path[:-1], "*")))
    if last is None or not isinstance(child, yaml.ScalarNode) or child.tag == _NULL:
        _walk(document, child, known, path, values)
        return
    row = known.get(last)
    if isinstance(row, Row):
        values[(*path, last)] = Value(document.value(child, key, row.kind), document.origin(child))
    else:
        values[(*path, last)] = Value(document.text(child, key, "upstream/model"), document.origin(child))


def _read_row(document: Document, node: yaml.Node, key: str, kind: Kind) -> Any:
    if kind.item is None:
        return document.value(node, key, kind)
    if kind.many == "map":
        return document.headers(node, key, kind.item)
    if isinstance(node, yaml.SequenceNode):
        return tuple(document.value(child, f"{key}[{index}]", kind.item) for index, child in enumerate(node.value))
    if isinstance(node, yaml.ScalarNode) and node.tag == _NULL:
        return ()
    raise document.error(node, key, f"found {_shown(node, kind)}; allowed: {kind.allowed}")


def _shown(node: yaml.Node, kind: Kind) -> str:
    return "a value that is kept secret" if kind.secret and isinstance(node, yaml.ScalarNode) else _describe(node)


def _unknown(name: str, section: Section) -> str:
    return f"unknown key;{did_you_mean(name, section)} allowed: {', '.join(sorted(section))}"
