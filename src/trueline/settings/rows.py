"""The one table of settings.  YAML keys, environment names, flags, docs and the JSON Schema all follow from it.

A key is a path; `*` stands for a name that the user chooses.  Rows without a `*` can also be set by
`TRUELINE_` + the path in capitals, and, unless they hold a list of secrets, by a flag with the path in dashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import kinds
from .kinds import Kind
from .prices import DOLLARS
from .switches import MAX_RETRIES, SWITCHED_OFF, SWITCHED_ON
from .table import AUTH, DIALECT, PLACE, PLACES, PROVIDER, TEMPLATE

__all__ = ["GROUPS", "ROWS", "SHORT_FORMS", "TREE", "Row", "Section", "default"]

KIB = 1024
MIB = 1024 * KIB

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    kind: Kind
    default: Any
    help: str
    also_env: tuple[str, ...] = ()
    """Variables of other programs that are read after our own, in this order."""
    metavar: str | None = None

    @property
    def path(self) -> Path:
        return tuple(self.key.split("."))

    @property
    def env(self) -> tuple[str, ...]:
        if "*" in self.path:
            return ()
        return ("TRUELINE_" + self.key.upper().replace(".", "_"), *self.also_env)

    @property
    def flag(self) -> str | None:
        # A list of keys has no place on a command line, where every user of the machine can read it.
        if "*" in self.path or (self.kind.secret and self.key != "key"):
            return None
        return "--" + self.key.replace(".", "-").replace("_", "-")

    @property
    def shown_default(self) -> str:
        """The default as it would be written in the file; empty where there is none."""
        value = self.default
        if value is None or value in ((), {}):
            return ""
        if self.kind is kinds.SIZE and value % KIB == 0:
            return f"{value // MIB}MiB" if value % MIB == 0 else f"{value // KIB}KiB"
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:g}" if isinstance(value, float) else str(value)

    @property
    def secret(self) -> bool:
        return self.kind.secret


_SERVER = (
    Row("host", kinds.BIND_HOST, "127.0.0.1", "Address to listen on. Anything but loopback wants `keys`."),
    Row("port", kinds.integer(0, 65535), 4000, "Port to listen on; 0 takes a free one."),
    Row("socket", kinds.TEXT, None, "Unix socket to listen on, in place of `host` and `port`.", metavar="PATH"),
    Row("tls_cert", kinds.FILE, None, "PEM file of the certificate, with its chain, to serve HTTPS.", metavar="FILE"),
    Row("tls_key", kinds.FILE, None, "PEM file of its private key, where `tls_cert` does not hold it.", metavar="FILE"),
    Row("workers", kinds.integer(1, 256), 1, "Processes that serve; about one per core."),
    Row("grace", kinds.seconds(optional=False), 30.0, "How long running replies may finish after SIGTERM."),
    Row(
        "client_timeout",
        kinds.seconds(),
        60.0,
        "For a client to send the head of a request, to go on with its body, or to take what it is sent.",
    ),
    Row(
        "server",
        kinds.choice("native", "asgi"),
        "native",
        "Whether the paths that most requests take are answered without ASGI, at a fraction of the cost.",
    ),
    Row("allow_public", kinds.BOOLEAN, False, "Listen beyond loopback although there are no `keys`."),
    Row(
        "keys",
        kinds.list_of(kinds.SECRET),
        (),
        "Keys that Trueline itself demands of its clients. With none, the client's key is forwarded.",
    ),
    Row(
        "allowed_hosts",
        kinds.list_of(kinds.UPSTREAM_HOST),
        (),
        "Hosts that `/{host}/v1/…` may reach, each with its port where it has one.",
    ),
    Row("log_level", kinds.choice("debug", "info", "warning", "error"), "info", "What is logged to stderr."),
    Row(
        "log_format", kinds.choice("text", "json"), "text", "How it is logged: `key=value`, or a JSON object per line."
    ),
    Row(
        "record",
        kinds.FOLDER,
        None,
        "Folder to write every exchange to, prompts and answers included, keys left out.",
        metavar="DIR",
    ),
)

_UPSTREAM = (
    Row("upstream", kinds.URL, None, "The only upstream, in short: its base URL.", metavar="URL"),
    Row("key", kinds.SECRET, None, "The key of `upstream`, best as `env:NAME`.", metavar="env:NAME"),
    Row(
        "providers",
        kinds.choice("auto", "on", "off"),
        "auto",
        "Whether `provider/model` reaches providers whose key is in the environment; `auto`: where no upstream is set.",
    ),
)

_FORMAT = (
    Row("format.extras", kinds.choice("keep", "drop"), "keep", "What an upstream says beyond OpenAI's schema."),
    Row(
        "format.reasoning",
        kinds.choice("reasoning_content", "reasoning", "think", "drop"),
        "reasoning_content",
        "The field that thoughts go to; `think` writes them into the content between tags.",
    ),
    Row(
        "format.think_tags",
        kinds.choice("split", "keep"),
        "split",
        "Whether a reply that begins with a `<think>` block is split into thoughts and answer.",
    ),
    Row(
        "format.model_name",
        kinds.choice("upstream", "requested"),
        "upstream",
        "Whose name for the model replies carry.",
    ),
    Row(
        "format.id",
        kinds.choice("keep", "openai"),
        "keep",
        "Keep a stable id of the upstream, or always make one in OpenAI's form.",
    ),
    Row(
        "format.fingerprint",
        kinds.choice("derive", "keep"),
        "derive",
        "Where the upstream has no `system_fingerprint`: derive one from the backend, or send none.",
    ),
    Row(
        "format.tool_calls",
        kinds.choice("as_sent", "whole"),
        "as_sent",
        "Whether a streamed tool call leaves as it comes, or in one piece when it is complete.",
    ),
    Row(
        "format.options",
        kinds.list_of(SWITCHED_ON),
        (),
        "Faults to mend that are left alone by default: those with the action `option` in the list of faults.",
        metavar="ID[,ID]",
    ),
    Row(
        "format.off",
        kinds.list_of(SWITCHED_OFF),
        (),
        "Faults not to mend; what the upstream said leaves instead.",
        metavar="ID[,ID]",
    ),
)

_KEEPING = kinds.choice("auto", "on", "off")

_ENFORCE = (
    Row(
        "enforce.max_tokens",
        _KEEPING,
        "auto",
        "Cut a reply at `max_tokens` or `max_completion_tokens` where the upstream went on. `auto`: where it is plain, "
        "and no longer at an upstream that keeps it; `on`: always, by the best count there is.",
    ),
    Row("enforce.stop", _KEEPING, "auto", "Cut a reply at a stop string where the upstream went on."),
    Row("enforce.n", _KEEPING, "auto", "Ask an upstream that gives one choice once for each of `n`."),
    Row("enforce.logprobs", _KEEPING, "auto", "Log probabilities as they were asked for, and none otherwise."),
    Row(
        "enforce.response_format",
        _KEEPING,
        "auto",
        "Check JSON against the `response_format`, and take it out of a Markdown fence.",
    ),
    Row("enforce.tool_choice", _KEEPING, "auto", "Check that tools are called, or not, as `tool_choice` says."),
    Row(
        "enforce.on_invalid",
        kinds.choice("error", "retry", "pass"),
        "pass",
        "What becomes of an answer that fails such a check: an error, another try (of whole replies; of streams an "
        "error), or it is passed on and counted.",
    ),
    Row("enforce.retries", kinds.integer(0, MAX_RETRIES), 2, "How many tries more, at most."),
)

_TIMEOUTS = (
    Row("timeouts.connect", kinds.seconds(), 10.0, "To connect to an upstream, TLS included."),
    Row("timeouts.first_byte", kinds.seconds(), 600.0, "From the request to the first byte of the reply."),
    Row("timeouts.stall", kinds.seconds(), 120.0, "Between two reads of a reply."),
    Row("timeouts.total", kinds.seconds(), None, "For the whole exchange."),
)

_LIMITS = (
    Row("limits.request_bytes", kinds.SIZE, 64 * MIB, "Largest request body."),
    Row("limits.reply_bytes", kinds.SIZE, 256 * MIB, "Largest reply of an upstream, decoded."),
    Row("limits.header_bytes", kinds.SIZE, 64 * KIB, "Largest head of an upstream's reply."),
    Row("limits.recorded_body", kinds.SIZE, MIB, "What `record` keeps of one body."),
    Row("limits.recorded_total", kinds.SIZE, 1024 * MIB, "What the folder of `record` may hold; then recording stops."),
)

_PROXY = (
    Row(
        "proxy.http",
        kinds.PROXY,
        None,
        "Proxy for http:// upstreams; loopback is never proxied.",
        also_env=("http_proxy", "HTTP_PROXY"),
    ),
    Row(
        "proxy.https",
        kinds.PROXY,
        None,
        "Proxy for https:// upstreams.",
        also_env=("https_proxy", "HTTPS_PROXY"),
    ),
    Row(
        "proxy.no_proxy",
        kinds.list_of(kinds.NO_PROXY),
        (),
        "Hosts that are reached directly.",
        also_env=("no_proxy", "NO_PROXY"),
    ),
)

_CAPABILITIES = (
    Row(
        "upstreams.*.capabilities.stream_options",
        kinds.BOOLEAN,
        None,
        "Whether it takes `stream_options`. What is not set here is as its provider's row has it, or as it turns out.",
    ),
    Row(
        "upstreams.*.capabilities.usage_in_stream",
        kinds.BOOLEAN,
        None,
        "Whether its streams tell the usage although nobody asked.",
    ),
    Row(
        "upstreams.*.capabilities.max_tokens_name",
        kinds.choice("max_tokens", "max_completion_tokens"),
        None,
        "The only name of the limit that it obeys.",
    ),
    Row("upstreams.*.capabilities.developer_role", kinds.BOOLEAN, None, "Whether it takes the role `developer`."),
    Row("upstreams.*.capabilities.functions", kinds.BOOLEAN, None, "Whether it takes `functions`, or `tools` only."),
    Row(
        "upstreams.*.capabilities.content_parts",
        kinds.BOOLEAN,
        None,
        "Whether it takes a message's content in parts, or as a string only.",
    ),
    Row("upstreams.*.capabilities.n", kinds.BOOLEAN, None, "Whether it answers with as many choices as `n` says."),
    Row(
        "upstreams.*.capabilities.drop",
        kinds.list_of(kinds.TEXT),
        None,
        "Parameters that it does not take and is asked without.",
    ),
    Row(
        "upstreams.*.capabilities.refuse",
        kinds.list_of(kinds.TEXT),
        None,
        "Parameters that it does not take, so that a request with one is refused.",
    ),
)

_EACH_UPSTREAM = (
    Row(
        "upstreams.*.url",
        kinds.BASE_URL,
        None,
        "Base URL, usually ending in `/v1`. Required, unless `provider` is set.",
    ),
    Row(
        "upstreams.*.provider",
        PROVIDER,
        None,
        "A row of the table of providers, which knows its URL and the rest; see [providers.md](providers.md).",
    ),
    Row(
        "upstreams.*.key",
        kinds.SECRET,
        None,
        "Its key; without one, that of its provider's environment variable, else the client's key is forwarded.",
    ),
    Row("upstreams.*.auth", AUTH, None, "How the key is shown, where it is not as `provider` or `dialect` has it."),
    Row("upstreams.*.dialect", DIALECT, None, "What it speaks, where that is not OpenAI's format or `provider` errs."),
    Row(
        "upstreams.*.on_unsupported",
        kinds.choice("error", "drop"),
        "error",
        "Parameters that the API of `dialect` cannot express: refuse the request, or send it without.",
    ),
    *(
        Row(f"upstreams.*.{place}", PLACE, None, f"Fills `{{{place}}}` in its provider's URL and paths.")
        for place in PLACES
    ),
    Row(
        "upstreams.*.template",
        TEMPLATE,
        None,
        "How `hf_tgi` makes a prompt of a conversation, where the model's name does not tell.",
    ),
    Row("upstreams.*.headers", kinds.map_of(kinds.SECRET), {}, "Headers to add to every request."),
    Row("upstreams.*.verify", kinds.BOOLEAN, True, "Verify its TLS certificate."),
    Row("upstreams.*.ca_file", kinds.FILE, None, "PEM file of the authorities to trust instead of the system's."),
    *(
        Row(f"upstreams.*.{row.key}", row.kind, None, f"As `{row.key}`, for this upstream only.")
        for row in (*_FORMAT, *_ENFORCE, *_TIMEOUTS)
    ),
    *_CAPABILITIES,
)

_EACH_MODEL = (
    Row("models.*.upstream", kinds.TEXT, None, "Name of the upstream that serves it; the only one, if left out."),
    Row("models.*.model", kinds.TEXT, None, "The upstream's name for it; the alias itself, if left out."),
)

_TOKENIZERS = (
    Row(
        "tokenizers.*",
        kinds.FILE,
        None,
        "A Hugging Face `tokenizer.json` that counts for a model; its name, or a pattern such as `llama*`.",
        metavar="FILE",
    ),
    Row(
        "count_remote_images",
        kinds.BOOLEAN,
        False,
        "Whether `/trueline/count` fetches the pictures that a request refers to, to know their size.",
    ),
)

_PRICES = (
    Row("prices.*.input", DOLLARS, None, "A million tokens of the prompt. Required."),
    Row("prices.*.output", DOLLARS, None, "A million tokens of the completion."),
    Row("prices.*.cached", DOLLARS, None, "Of the prompt's, those that came out of a cache."),
    Row("prices.*.written", DOLLARS, None, "Of the prompt's, those that were put into a cache."),
    Row("prices.*.written_1h", DOLLARS, None, "Of those, what was put there for an hour."),
    Row("prices.*.reasoning", DOLLARS, None, "Of the completion's, thoughts, where they cost other than the rest."),
    Row("prices.*.image", DOLLARS, None, "Of the prompt's, pictures, where they cost other than the rest."),
)

GROUPS: Mapping[str, tuple[Row, ...]] = {
    "Upstream": _UPSTREAM,
    "Server": _SERVER,
    "Upstreams": _EACH_UPSTREAM,
    "Models": _EACH_MODEL,
    "Prices": _PRICES,
    "Tokenizers": _TOKENIZERS,
    "Format": _FORMAT,
    "Enforce": _ENFORCE,
    "Timeouts": _TIMEOUTS,
    "Limits": _LIMITS,
    "Proxy": _PROXY,
}
ROWS: tuple[Row, ...] = tuple(row for group in GROUPS.values() for row in group)

SHORT_FORMS: Mapping[str, str] = {"upstreams.*": "url", "models.*": "short"}
"""Sections that may also be one text, and the key it stands for: `local: http://…`, `gpt-4o: local/llama3`."""

Section: TypeAlias = "dict[str, Row | Section]"


def _tree(rows: tuple[Row, ...]) -> Section:
    tree: Section = {}
    for row in rows:
        section = tree
        *parents, last = row.path
        for name in parents:
            child = section.setdefault(name, {})
            assert isinstance(child, dict), f"{row.key}: {name} is a value and a section"
            section = child
        section[last] = row
    return tree


TREE: Section = _tree(ROWS)
_BY_KEY = {row.key: row for row in ROWS}


def default(key: str) -> Any:
    """The default of a row, for the structs of `model.py`; KeyError where there is no such row."""
    return _BY_KEY[key].default
