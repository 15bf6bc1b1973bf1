"""Write the table of docs/tokens.md from the recordings in ../shared, or compare: `_tokens.py [--check] [-v]`.

What OpenAI reported as `usage` is set against what Trueline counts, by kind of request and of reply.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from trueline.tokens.completion import count_completion
from trueline.tokens.families import Count, family_of
from trueline.tokens.images import Size
from trueline.tokens.prompt import count_prompt
from trueline.tokens.services import said_size

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
PAGE = ROOT / "docs" / "tokens.md"
BEGIN, END = "<!-- Written by scripts/tokens from here -->\n", "<!-- to here -->\n"
HEAD = (
    "| What is counted | Recordings | Exact | Within 2 % | Farthest | Called exact | Of these wrong |\n"
    "|---|---:|---:|---:|---:|---:|---:|\n"
)

GIVEN, SAID, REMOTE, SEEN = PICTURES = (
    "Pictures in the request",
    "Pictures behind a URL that says their size",
    "Pictures behind other URLs",
    "Pictures behind URLs, looked at",
)
REASONING = frozenset({"o", "o-mini", "o-preview", "gpt-5"})
PROMPTS = (
    "Plain chat, classic models",
    "Plain chat, reasoning models",
    "Functions, classic models",
    "Functions, reasoning models",
    "Calls in the history",
    "Structured output",
    *PICTURES,
    "Sound",
    "Custom tools",
)
REPLIES = (
    "Reply: text, classic models",
    "Reply: text, reasoning models",
    "Reply: text, models that search the web",
    "Reply: refusal",
    "Reply: calls, classic models",
    "Reply: calls, reasoning models",
)

Fields = dict[str, Any]

ANSWERED: dict[str, Size] = {
    "https://source.unsplash.com/8xznAGy4HcY/800x400": (800, 400),  # as asked for
    "https://httr2.r-lib.org/logo.png": (240, 277),  # costs what any picture of one tile does
    "https://httpbin.org/image/jpeg": (239, 178),  # as other recordings have it
    "https://en.wikipedia.org/static/images/icons/wikipedia.png": (100, 100),  # as other recordings have it
}
"""How large the pictures behind the recorded URLs are: nobody is asked here."""


class Row(NamedTuple):
    """One recording: what was reported, and what is counted."""

    kind: str
    id: str
    model: str
    reported: int
    counted: Count

    @property
    def off(self) -> int:
        """Tokens that were not counted."""
        return self.reported - self.counted.tokens


class Figures(NamedTuple):
    """A line of the table."""

    recordings: int
    exact: int
    near: int
    """Within 2 %."""
    farthest: int
    claimed: int
    """Called exact."""
    wrong: int
    """Of these, how many are not."""


def rows(corpus: Path = CORPUS) -> Iterator[Row]:
    """Every recorded prompt and reply of an OpenAI model, once."""
    seen = set()
    for row in (*_prompts(corpus), *_exchanges(corpus), *_pictures(corpus)):
        key = row.kind, row.id.partition("@")[0], row.reported, row.counted
        if row.kind and key not in seen:
            seen.add(key)
            yield row


def figures(of: list[Row]) -> Figures:
    """What rows say together."""
    wrong = sum(row.counted.exact and row.off != 0 for row in of)
    return Figures(
        len(of),
        sum(row.off == 0 for row in of),
        sum(abs(row.off) <= 0.02 * row.reported for row in of),
        max((row.off for row in of), key=abs, default=0),
        sum(row.counted.exact for row in of),
        wrong,
    )


def _prompts(corpus: Path) -> Iterator[Row]:
    for record in _records(corpus / "counts.jsonl.gz"):
        request = record["q"]
        yield Row(_kind(request, request["model"]), record["id"], request["model"], record["n"], count_prompt(request))


def _exchanges(corpus: Path) -> Iterator[Row]:
    for record in _records(corpus / "chat.jsonl.gz"):
        request = record["request"]["body"]
        reply = record["response"].get("body")
        if record["provider"] not in {"openai", "azure-openai"} or not isinstance(reply, str):
            continue
        messages, usage, model, cut = _reply(reply)
        if not isinstance(request, dict) or not request.get("messages") or not usage or family_of(model) is None:
            continue
        kind, name = _kind(request, model), record["id"]
        yield Row(kind, name, model, usage["prompt_tokens"], count_prompt(request, model))
        said = usage["completion_tokens"] - _thoughts(usage)
        azure = record["provider"] == "azure-openai"
        count = count_completion(messages, model, body=request, cut=cut, azure=azure)
        if count.tokens:
            yield Row(_reply_kind(messages, model), name, model, said, count)


def _pictures(corpus: Path) -> Iterator[Row]:
    """The prompts with pictures, of both APIs; those behind a URL once more, as they come to when it is looked at."""
    for record in (*_records(corpus / "chat.jsonl.gz"), *_records(corpus / "responses.jsonl.gz")):
        asked = _as_chat(record["request"]["body"])
        urls = list(_shown(asked))
        if not urls or None in urls:
            continue
        model, reported = _reported(record["response"].get("body"))
        if family_of(model) is None or not reported:
            continue
        remote = [url for url in urls if url and not url.startswith("data:")]
        kind = (SAID if all(map(said_size, remote)) else REMOTE) if remote else GIVEN
        yield Row(kind, record["id"], model, reported, count_prompt(asked, model))
        if remote:
            yield Row(SEEN, record["id"], model, reported, count_prompt(asked, model, size_of=ANSWERED.get))


def _as_chat(request: Any) -> Fields:
    """A request, of the Responses API as well, in the form that is counted."""
    if not isinstance(request, dict):
        return {}
    if not isinstance(request.get("input"), list):
        return request
    instructions = [{"role": "system", "content": request["instructions"]}] if request.get("instructions") else []
    return {"messages": instructions + request["input"]}


def _shown(request: Fields) -> Iterator[str | None]:
    """The URLs of a request's pictures; None for a picture that only the server has, and for what is no message."""
    for message in request.get("messages") or ():
        if not isinstance(message, dict) or "role" not in message:
            yield None
            continue
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type") in {"image_url", "input_image"}:
                given = part.get("image_url")
                yield given.get("url") if isinstance(given, dict) else given


def _reported(reply: Any) -> tuple[str, int]:
    """The model that answered, and the tokens of its prompt."""
    if not isinstance(reply, str):
        return "", 0
    _, usage, model, _ = _reply(reply)
    return model, usage.get("prompt_tokens") or usage.get("input_tokens") or 0


def _records(path: Path) -> Iterator[Fields]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _thoughts(usage: Fields) -> int:
    return int((usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0)


def _is_reasoning(model: str) -> bool:
    family = family_of(model)
    return family is not None and family.name in REASONING


def _kind(request: Fields, model: str) -> str:
    messages = [message for message in request["messages"] if isinstance(message, dict)]
    parts = {part.get("type") for each in messages if isinstance(each.get("content"), list) for part in each["content"]}
    if "image_url" in parts:
        return ""  # `_pictures` has them
    if "input_audio" in parts:
        return "Sound"
    if any(tool.get("type") == "custom" for tool in request.get("tools") or ()):
        return "Custom tools"
    if any(each.get("tool_calls") or each.get("role") in {"tool", "function"} for each in messages):
        return "Calls in the history"
    if (request.get("response_format") or {}).get("type") == "json_schema":
        return "Structured output"
    what = "Functions" if request.get("tools") or request.get("functions") else "Plain chat"
    return f"{what}, {'reasoning' if _is_reasoning(model) else 'classic'} models"


def _reply_kind(messages: list[Fields], model: str) -> str:
    if any(message.get("refusal") for message in messages):
        return "Reply: refusal"
    if "-search" in model:
        return "Reply: text, models that search the web"
    what = "calls" if any(each.get("tool_calls") or each.get("function_call") for each in messages) else "text"
    return f"Reply: {what}, {'reasoning' if _is_reasoning(model) else 'classic'} models"


def _reply(body: str) -> tuple[list[Fields], Fields, str, bool]:
    """The messages of a reply, its usage, its model, and whether it was cut."""
    if body.lstrip().startswith("{"):
        whole = json.loads(body)
        choices = whole.get("choices") or []
        messages = [choice.get("message") or {} for choice in choices]
        return messages, whole.get("usage") or {}, whole.get("model") or "", _is_cut(choices)
    folded: dict[int, Fields] = {}
    usage: Fields = {}
    model, cut = "", False
    for line in body.splitlines():
        if not line.startswith("data: {"):
            continue
        chunk = json.loads(line[6:])
        usage, model = chunk.get("usage") or usage, chunk.get("model") or model
        for choice in chunk.get("choices") or ():
            _fold(folded.setdefault(choice.get("index", 0), {}), choice.get("delta") or {})
        cut = cut or _is_cut(chunk.get("choices") or [])
    return list(folded.values()), usage, model, cut


def _is_cut(choices: list[Fields]) -> bool:
    return any(choice.get("finish_reason") == "length" for choice in choices)


def _fold(message: Fields, delta: Fields) -> None:
    for key in ("content", "refusal"):
        if isinstance(delta.get(key), str):
            message[key] = message.get(key, "") + delta[key]
    for call in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        index = call.get("index", 0)
        while len(calls) <= index:
            calls.append({"function": {"name": "", "arguments": ""}})
        _join(calls[index]["function"], call.get("function") or {})
    if delta.get("function_call"):
        _join(message.setdefault("function_call", {"name": "", "arguments": ""}), delta["function_call"])


def _join(function: Fields, delta: Fields) -> None:
    for key in ("name", "arguments"):
        function[key] += delta.get(key) or ""


def table(found: list[Row]) -> str:
    """The table in Markdown."""
    lines = []
    for kind in (*PROMPTS, *REPLIES):
        of = [row for row in found if row.kind == kind]
        if not of:
            continue
        line = figures(of)
        exact, near = (f"{100 * each / line.recordings:.1f} %" for each in (line.exact, line.near))
        cells = (kind, line.recordings, exact, near, f"{line.farthest:+d}", line.claimed, line.wrong)
        lines.append("| " + " | ".join(map(str, cells)) + " |\n")
    return HEAD + "".join(lines)


def main() -> int:
    """Write or compare the table; 1: it is stale."""
    parser = argparse.ArgumentParser(prog="scripts/tokens", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the table is stale")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the recordings that differ")
    flags = parser.parse_args()
    if not CORPUS.is_dir():
        print("scripts/tokens: needs the recordings in ../shared", file=sys.stderr)
        return 2
    found = list(rows())
    if flags.verbose:
        for row in found:
            if row.off:
                print(f"{row.off:+5d} of {row.reported:5d}  {row.kind:32} {row.model:28} {row.id}")
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    fresh = before + BEGIN + "\n" + table(found) + "\n" + END + after
    if fresh == text:
        return 0
    if flags.check:
        print("docs/tokens.md is stale: run scripts/tokens", file=sys.stderr)
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
