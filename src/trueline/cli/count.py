"""`trueline count`: the tokens of a text, or of a request as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from .files import read_reply

if TYPE_CHECKING:
    from ..tokens.asked import Counted

__all__ = ["DESCRIPTION", "EPILOG", "USAGE", "add_arguments", "run"]

USAGE = "trueline count [FILE] [--model M] [--tokenizer FILE] [--text] [--json]"
DESCRIPTION = (
    "Count the tokens of a text, or of what a request as JSON (a chat, a completion, embeddings) gives the model to "
    "read. Nothing is sent anywhere. The number goes to stdout, and how it was counted to stderr."
)
EPILOG = """\
examples:
  trueline count request.json                       the prompt tokens of a chat request
  echo "Hello world" | trueline count --model gpt-4
  trueline count --model llama3 --tokenizer tokenizer.json notes.txt

exit code: 0 counted, 1 the vocabulary cannot be read, 2 there is nothing to read
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `trueline count`."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="the text or the request; - or nothing for stdin")
    parser.add_argument(
        "--model", metavar="M", help="the model to count for (default: the one of the request, or gpt-4o)"
    )
    parser.add_argument("--tokenizer", metavar="FILE", help="the model's tokenizer.json, of Hugging Face")
    parser.add_argument("--text", action="store_true", help="count a request as the text that it is")
    parser.add_argument("--json", action="store_true", help="write a JSON object: model, tokens, exact, encoding")


def run(args: argparse.Namespace) -> int:
    """Count; the exit code as in EPILOG."""
    from ..tokens import TokenizerError
    from ..tokens.asked import count_asked, is_request
    from ..wire import jsonio

    data = read_reply(args.file, "a text or a request")
    if data is None:
        return 2
    try:
        value = None if args.text else jsonio.decode_strict(data)
    except jsonio.JSONError:
        value = None
    given = value if isinstance(value, dict) and is_request(value) else data.decode("utf-8", "replace")
    garbled = isinstance(given, str) and not _is_utf8(data)
    try:
        counted = count_asked(given, args.model, {"*": args.tokenizer} if args.tokenizer else {})
    except TokenizerError as failed:
        print(f"trueline: {failed}", file=sys.stderr)
        return 1
    if garbled:  # no server would take these bytes
        counted = replace(counted, exact=False)
    _write(counted, "text" if isinstance(given, str) else "request", as_json=args.json)
    return 0


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _write(counted: Counted, what: str, *, as_json: bool) -> None:
    if as_json:
        shown = {"model": counted.model, "tokens": counted.tokens, "exact": counted.exact, "encoding": counted.encoding}
        print(json.dumps(shown))
        return
    print(counted.tokens, flush=True)
    how = "exact" if counted.exact else "estimated"
    print(f"{what} for {counted.model}: {how}, {counted.encoding}", file=sys.stderr)
