"""docs/tokens.md says what is so."""

from __future__ import annotations

import json
import re

import pytest

from meta.source import ROOT
from trueline.settings.rows import ROWS
from trueline.tokens.asked import count_asked
from trueline.tokens.images import picture_tokens
from trueline.tokens.models import encoding_name
from trueline.tokens.services import SERVICES, said_size

PAGE = (ROOT / "docs/tokens.md").read_text()


def blocks(language: str) -> list[str]:
    return [match[1] for match in re.finditer(rf"^```{language}\n(.*?)^```", PAGE, re.S | re.M)]


@pytest.mark.parametrize("code", blocks("python"))
def test_its_code_runs(code: str) -> None:
    exec(compile(code, "docs/tokens.md", "exec"), {})  # noqa: S102  # our own page, which is what is tested


def test_its_reply_is_the_one_to_its_request() -> None:
    curl = next(block for block in blocks("sh") if "curl" in block)
    request = json.loads(curl[curl.index("{") : curl.rindex("}") + 1])
    shown = json.loads(blocks("json")[0])

    counted = count_asked(request)

    assert shown == {
        "object": "trueline.count",
        "model": counted.model,
        "tokens": counted.tokens,
        "exact": counted.exact,
        "encoding": counted.encoding,
    }


@pytest.mark.parametrize("encoding", ["o200k_base", "o200k_harmony", "cl100k_base"])
def test_its_models_have_their_encoding(encoding: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("|") and f"| {encoding}" in line)
    names = re.findall(r"[a-z0-9.-]*\d[a-z0-9.-]*|gpt-oss|codex-mini|computer-use-preview", row.split("|")[1])

    assert names
    assert {
        name: encoding_name(name + ("-small" if name == "text-embedding-3" else "")) for name in names
    } == dict.fromkeys(names, encoding)


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("gpt-4o", 255), ("gpt-4o-mini", 8500), ("gpt-5", 210), ("o1", 225), ("gpt-4.1-mini", 3), ("gpt-5-nano", 3)],
)
def test_its_pictures(model: str, tokens: int) -> None:
    assert picture_tokens(model, (32, 32)).tokens == tokens


def test_its_picture_services() -> None:
    table = re.search(r"^\| Host \| URL \|\n.*\n((?:\|.*\n)+)", PAGE, re.M)
    assert table is not None
    hosts = set()
    for row in table[1].splitlines():
        _, names, urls, _ = row.split("|")
        for host in re.findall(r"[\w.]+\.\w+", names):
            hosts.add(host)
            for url in re.findall(r"`([/?][^`]+)`", urls):
                assert said_size(f"https://{host}/{url.removeprefix('/')}") == ((800 if "800" in url else 400), 400)

    assert hosts == SERVICES.keys()


def test_its_settings_are_there() -> None:
    assert {"tokenizers.*", "count_remote_images"} <= {row.key for row in ROWS}
