"""`trueline fix`: a recorded reply in, its exact form on stdout, the faults on stderr.

A recording has no request beside it, but the exact form of a reply depends on what was asked.  So the request is taken
to be the one that the reply answers: its number of choices, its usage, its log probabilities, streamed if it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .terminal import fit, has_colour, paint, width

if TYPE_CHECKING:
    from ..pipeline import Pipeline

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline fix [FILE] [--model NAME] [--stream | --no-stream]"
DESCRIPTION = (
    "Write the exact OpenAI form of a recorded chat or image reply (JSON or an event stream) to stdout, and name its "
    "faults on stderr, each with how often it was found."
)
EPILOG = """\
examples:
  trueline fix reply.json
  curl -N .../v1/chat/completions -d ... | trueline fix > exact.sse
  trueline fix --no-stream reply.sse                      fold a stream into one object

exit code: 0 the reply is exact now, 1 the honest answer is an error (it is on stdout), 2 there is nothing to read
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trueline fix`."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="the recorded body; - or nothing for stdin")
    parser.add_argument("--model", metavar="NAME", help="the model that was requested (default: the reply's own)")
    parser.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="write an event stream, or one object (default: the form that the reply has)",
    )


def run(args: argparse.Namespace) -> int:
    """Fix one reply; the exit code as in EPILOG."""
    data = _read(args.file)
    if data is None:
        return 2
    seen = _look(data)
    pipe = _pipeline(seen, args.model, seen.streamed if args.stream is None else args.stream)
    out = pipe.feed(data) + pipe.close()
    failed = pipe.error is not None or b'\ndata: {"error":' in out
    if pipe.error is not None:
        out = _json(pipe.error.body())
    sys.stdout.buffer.write(out if out.endswith(b"\n") else out + b"\n")
    sys.stdout.flush()
    _name_faults(pipe.faults)
    return 1 if failed else 0


def _read(file: str | None) -> bytes | None:
    if file in (None, "-"):
        if sys.stdin.isatty():
            print("trueline: reading a reply from the terminal; Ctrl-D ends it", file=sys.stderr)
        return sys.stdin.buffer.read()
    try:
        return Path(str(file)).read_bytes()
    except OSError as failed:
        print(f"trueline: {file}: {failed.strerror or failed}", file=sys.stderr)
        return None


@dataclass(slots=True)
class _Seen:
    """What the reply tells about the request that it answers."""

    streamed: bool
    image: bool = False
    model: str | None = None
    choices: set[int] = field(default_factory=set)
    usage: bool = False
    logprobs: bool = False
    functions: bool = False

    def request(self, model: str | None, stream: bool) -> dict[str, Any]:
        """The smallest request that the reply is an answer to."""
        body: dict[str, Any] = {"model": model or self.model or "unknown", "n": min(max(len(self.choices), 1), 128)}
        if self.image:
            # No response_format: a URL and base64 both pass as they came.
            return body | {"prompt": "recorded", "stream": stream}
        body["messages"] = [{"role": "user", "content": "recorded"}]
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": self.usage}}
        if self.logprobs:
            body["logprobs"] = True
        if self.functions:
            body["functions"] = [{"name": "recorded"}]
        return body


def _look(data: bytes) -> _Seen:
    from ..wire.sse import looks_like_sse

    seen = _Seen(streamed=looks_like_sse(data[:1024]))
    for payload in _payloads(data, seen.streamed):
        if isinstance(payload, dict):
            _note(payload, seen)
    return seen


def _payloads(data: bytes, streamed: bool) -> Iterator[Any]:
    from ..wire import jsonio, sse

    texts = [data.strip()]
    if streamed:
        reader = sse.SSEReader(lambda fault: None)
        texts = [frame.data.strip() for frame in (*reader.feed(data), *reader.close())]
    for text in texts:
        try:
            yield from jsonio.decode_all(text)
        except jsonio.JSONError:
            continue  # the pipeline says what is wrong with it


def _note(payload: dict[str, Any], seen: _Seen) -> None:
    if seen.model is None and isinstance(payload.get("model"), str):
        seen.model = payload["model"]
    seen.usage = seen.usage or isinstance(payload.get("usage"), dict)
    if str(payload.get("type")).startswith("image_"):
        seen.image = True  # image_generation.partial_image, image_edit.completed
        return
    images = payload.get("data", payload.get("images"))
    if not seen.streamed and "choices" not in payload and isinstance(images, list) and images:
        _note_images(images, seen)
    choices = payload.get("choices")
    for position, choice in enumerate(choices if isinstance(choices, list) else ()):
        if isinstance(choice, dict):
            index = choice.get("index")
            seen.choices.add(index if isinstance(index, int) else position)
            seen.logprobs = seen.logprobs or bool(choice.get("logprobs"))
            message = choice.get("message") or choice.get("delta")
            seen.functions = seen.functions or (isinstance(message, dict) and bool(message.get("function_call")))


def _note_images(images: list[Any], seen: _Seen) -> None:
    first = images[0]
    fields = set(first) if isinstance(first, dict) else set()
    seen.image = bool(fields & {"url", "b64_json", "image", "image_url", "base64"}) or isinstance(first, str)
    if seen.image:
        seen.choices = set(range(len(images)))


def _pipeline(seen: _Seen, model: str | None, stream: bool) -> Pipeline:
    from ..messages import read_chat_request, read_image_request
    from ..pipeline import Route, chat_pipeline, image_pipeline
    from ..shell.clock import SystemMint

    request = seen.request(model, stream)
    route = Route(upstream="recorded", model=seen.model)
    if seen.image:
        return image_pipeline(read_image_request(_json(request)), route, SystemMint())
    return chat_pipeline(read_chat_request(_json(request)), route, SystemMint())


def _json(value: Any) -> bytes:
    from ..wire import jsonio

    return jsonio.encode(value)


def _name_faults(faults: dict[str, int]) -> None:
    from ..faults import FAULTS

    columns, colour = width(sys.stderr), has_colour(sys.stderr)
    for fault, count in faults.items():
        known = FAULTS.get(fault)
        head = f"{count} {fault}"
        room = None if columns is None else columns - len(head) - 2
        print(f"{paint(head, 'bold', colour)}  {fit(known.line if known else '', room)}".rstrip(), file=sys.stderr)
