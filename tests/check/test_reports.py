"""The report card in its four forms: it fits, it is escaped, it is stable, and it loads nothing."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from check.kit import card_of, examine
from check.scripted import Answer, Asked, clean, scripted
from trueline.check import Card, as_html, as_json, as_junit, counts_as_failure, terminal
from trueline.check.clients import broken_by
from trueline.check.excerpts import before_after
from trueline.check.report.style import STYLE
from trueline.faults import FAULTS
from trueline.sim import PLANTERS, SimOptions, SimServer

FAULTS_SHOWN = (
    *("role-repeated", "usage-total-mismatch", "finish-stop-with-tools", "sse-comment", "id-prefix-wrong"),
    *("emb-base64-ignored", "n-ignored", "headers-lost", "usage-flag-rejected", "abrupt-reset"),
)
HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\x00 ]]> & \"'"


def plain(text: str, style: str) -> str:
    return text


def marked(text: str, style: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if text else text


@pytest.fixture(scope="module")
def cards() -> Iterator[dict[str, Card]]:
    """A card of a server with faults, one without, and one that says hostile things."""
    import asyncio

    yield asyncio.run(_cards())


async def _cards() -> dict[str, Card]:
    def hostile(asked: Asked) -> Answer:
        status, headers, body = clean(asked)
        said = json.dumps(HOSTILE)[1:-1].encode()
        return status, headers, body.replace(b'"stop"', b'"' + said + b'"').replace(b"Invalid", said)

    made: dict[str, Card] = {}
    async with SimServer() as sim:
        made["clean"] = card_of(await examine(sim.url), sim.url)
        sim.options = SimOptions(faults=FAULTS_SHOWN[:-2])
        made["faulty"] = card_of(await examine(sim.url), sim.url)
        sim.options = SimOptions(faults=FAULTS_SHOWN)
        made["broken"] = card_of(await examine(sim.url), sim.url)
    async with scripted(hostile) as server:
        made["hostile"] = card_of(await examine(server.url), server.url + "/" + HOSTILE[:20])
    about = {"when": "2026-01-31T12:00:00+00:00", "version": "9.9.9", "requests": 117, "tokens": 9_876, "seconds": 1.5}
    return {name: replace(card, **about) for name, card in made.items()}  # type: ignore[arg-type]


NAMES = ("clean", "faulty", "broken", "hostile")


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("name", NAMES)
def test_lines_keep_to_the_width(cards: dict[str, Card], name: str, columns: int) -> None:
    text = terminal(cards[name], columns, plain)

    assert max(map(len, text.splitlines())) <= columns
    assert "\x1b" not in text


@pytest.mark.parametrize("name", NAMES)
def test_colours_change_no_letter(cards: dict[str, Card], name: str) -> None:
    coloured = terminal(cards[name], 100, marked)

    assert re.sub(r"\x1b\[\d+m", "", coloured) == terminal(cards[name], 100, plain)


@pytest.mark.parametrize("name", NAMES)
def test_plain_letters(cards: dict[str, Card], name: str) -> None:
    head = terminal(cards[name], 80, plain, ascii_only=True).split("\n\n")[1:3]

    assert all(part.isascii() for part in head)


def test_the_terminal_says_what_matters_first(cards: dict[str, Card]) -> None:
    lines = terminal(cards["faulty"], 80, plain).splitlines()

    assert lines[0].startswith("Trueline check  http://127.0.0.1")
    assert "faults break clients" in lines[2]
    assert re.search(r"Behind Trueline \d+ of these \d+ (is|are) left", lines[4])
    assert lines[7].startswith("  chat         ")


def test_a_fault_is_told_with_evidence(cards: dict[str, Card]) -> None:
    entry = next(entry for entry in cards["faulty"].entries if entry.name == "role-repeated")

    assert '"role":"assistant"' in entry.excerpt.before[0]
    assert '"role"' not in entry.excerpt.after[0]
    assert entry.cured
    assert [effect.client for effect in entry.clients] == ["openai-python"]
    assert entry.outcome == "mended: the client gets the exact form"


def test_faults_come_worst_first(cards: dict[str, Card]) -> None:
    levels = [entry.level for entry in cards["faulty"].entries]

    assert levels == sorted(levels, key=["must", "exact", "legal"].index)
    assert {"must", "exact", "legal"} == set(levels)


# ---- JSON


def test_the_shape_of_the_json(cards: dict[str, Card]) -> None:
    made = json.loads(as_json(cards["faulty"]))

    assert list(made) == [
        *("schema", "trueline", "target", "offline", "model", "when", "grade", "points", "requests", "tokens"),
        *("seconds", "notes", "counts", "faults", "unsupported", "probes"),
    ]
    assert list(made["faults"][0]) == [
        *("id", "known", "level", "rule", "what", "openai", "place", "count", "replies", "probes"),
        *("before", "after", "cured", "outcome", "outcomes", "breaks"),
    ]
    assert list(made["probes"][0]) == ["id", "title", "verdict", "reason", "faults", "tokens"]
    assert made["schema"] == 1
    assert made["counts"] == {
        level: sum(fault["level"] == level for fault in made["faults"]) for level in ("must", "exact", "legal")
    }


@pytest.mark.parametrize("name", NAMES)
def test_json_is_json(cards: dict[str, Card], name: str) -> None:
    assert json.loads(as_json(cards[name]))["grade"] == cards[name].grade.letter


# ---- JUnit


@pytest.mark.parametrize("fail_on", ["must", "exact", "any"])
@pytest.mark.parametrize("name", NAMES)
def test_junit_is_xml_and_counts_right(cards: dict[str, Card], name: str, fail_on: str) -> None:
    root = ElementTree.fromstring(as_junit(cards[name], fail_on).encode())
    cases = list(root.iter("testcase"))

    assert int(root.attrib["tests"]) == len(cases) > 100
    assert int(root.attrib["failures"]) == sum(case.find("failure") is not None for case in cases)
    assert int(root.attrib["skipped"]) == sum(case.find("skipped") is not None for case in cases)


@pytest.mark.parametrize(
    ("level", "fail_on", "fails"),
    [
        ("must", "must", True), ("exact", "must", False), ("legal", "must", False),
        ("must", "exact", True), ("exact", "exact", True), ("legal", "exact", False),
        ("must", "any", True), ("exact", "any", True), ("legal", "any", True),
    ],
)  # fmt: skip
def test_what_counts_as_failure(level: str, fail_on: str, fails: bool) -> None:
    assert counts_as_failure(level, fail_on) is fails  # type: ignore[arg-type]


# ---- the page


class Page(HTMLParser):
    """The tags of a page, and whether they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_whole_and_loads_nothing(cards: dict[str, Card], name: str) -> None:
    page = Page()
    page.feed(as_html(cards[name]))

    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "embed", "svg"} & set(page.tags)
    assert not {"src", "style", "onclick", "onload"} & set(page.attributes)
    assert not re.findall(r"href=(?!\"#)", as_html(cards[name]))
    assert "@import" not in as_html(cards[name])
    assert "url(" not in as_html(cards[name])


def test_the_page_says_what_the_terminal_says(cards: dict[str, Card]) -> None:
    page = as_html(cards["faulty"])

    assert all(f"<code>{entry.name}</code>" in page for entry in cards["faulty"].entries)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_hostile_servers_write_no_page(cards: dict[str, Card]) -> None:
    page = as_html(cards["hostile"])

    assert "alert(1)" in page, "it is shown"
    assert "<script>" not in page


def test_hostile_servers_do_not_move_the_cursor(cards: dict[str, Card]) -> None:
    text = terminal(cards["hostile"], 100, plain)

    assert "\x1b" not in text
    assert "\x00" not in text


# ---- the evidence


STREAM = (
    b'data: {"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}\n\n'
    b": ping\n\n"
    b'data: {"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":"b"}}]}\n\n'
)
MENDED = (
    b'data: {"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}\n\n'
    b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"b"}}]}\n\ndata: [DONE]\n\n'
)
WHOLE = b'{"id": "", "usage": {"prompt_tokens": 1, "total_tokens": 9}}'
FIXED = b'{"id": "chatcmpl-1", "usage": {"prompt_tokens": 1, "total_tokens": 1}}'

EXCERPTS = {
    "a line that goes": (STREAM, MENDED, "line 3", "", (": ping",), ("(nothing)",)),
    "a field of an event": (
        STREAM, MENDED, "chunk 1, choices[0].delta.role", '"assistant"',
        ('{"role":"assistant","content":"b"}',), ('{"content":"b"}',),
    ),
    "a field of its own": (WHOLE, FIXED, "id", '""', ('"id": ""',), ('"id": "chatcmpl-1"',)),
    "a field within": (
        WHOLE, FIXED, "usage.total_tokens", "9",
        ('{"prompt_tokens":1,"total_tokens":9}',), ('{"prompt_tokens":1,"total_tokens":1}',),
    ),
    "a field that is absent": (WHOLE, FIXED, "model", "", ("(no model)",), ()),
    "no place": (b"<html>", b'{"error":{}}', "", "", ("<html>",), ('{"error":{}}',)),
    "nothing at all": (b"", b'{"error":{}}', "", "", ("(an empty body)",), ('{"error":{}}',)),
    "a place that is not there": (b"x", b"y", "chunk 7, choices[0]", "", ("x",), ("y",)),
    "a line that is not there": (b"x", b"y", "line 9", "", ("x",), ("y",)),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCERPTS)
def test_excerpts(name: str) -> None:
    before, after, place, excerpt, old, new = EXCERPTS[name]

    assert before_after(before, after, place, excerpt) == (old, new)


def test_faults_of_the_end_show_the_end() -> None:
    assert before_after(STREAM, MENDED, name="done-missing").after == ("data: [DONE]",)


def test_faults_of_usage_show_the_usage() -> None:
    found = before_after(b'data: {"choices":[{}],"usage":{"total_tokens":3}}\n\n', MENDED, name="usage-unasked")

    assert found == (('"choices": […], "usage": {"total_tokens":3}',), ("(nothing)",))


def test_a_piece_of_a_call_becomes_one_of_the_same_call() -> None:
    """Two calls with the same arguments: the id tells which."""

    def piece(index: int, name: str) -> bytes:
        call = {"index": index, "id": f"call_{name}", "function": {"name": name, "arguments": "{}"}}
        return b"data: " + json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}).encode() + b"\n\n"

    before = piece(0, "one") + piece(0, "two")
    after = piece(0, "one") + piece(1, "two")

    assert "call_two" in before_after(before, after, "chunk 1, choices[0].delta.tool_calls[0]").after[0]


def _light(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    wide = "".join(letter * 2 for letter in colour) if len(colour) == 3 else colour
    parts = [int(wide[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_everything_on_the_page_can_be_read(mode: int) -> None:
    """4.5 to 1 is what WCAG 2 AA asks of text."""
    block = STYLE.split("prefers-color-scheme: dark")[mode]
    colours = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{3,6});", block))
    pairs = [(text, back) for text in ("ink", "soft", "must", "exact", "legal", "good") for back in ("card", "page")]
    pairs += [("ink", back) for back in ("code", "must-back", "good-back")]
    for text, back in pairs:
        one, other = sorted((_light(colours[text]), _light(colours[back])), reverse=True)
        assert (one + 0.05) / (other + 0.05) >= 4.5, (text, back)


@pytest.mark.parametrize("fault", sorted(set(PLANTERS) & set(FAULTS)))
def test_clients_are_told_in_words(fault: str) -> None:
    for effect in broken_by(fault):
        assert effect.client
        assert effect.what[0].islower() or effect.what[0] == "`"
        assert not effect.what.endswith(".")


def test_the_table_of_clients_knows_the_worst() -> None:
    assert {"role-repeated", "tool-index-missing", "finish-missing", "err-in-200-body"} <= {
        fault for fault in FAULTS if broken_by(fault)
    }


def test_many_features_that_are_lacking_for_one_reason_are_told_once(cards: dict[str, Card]) -> None:
    lacking = tuple((f"feature {number}", "400: no") for number in range(20))
    card = replace(cards["clean"], lacking=(*lacking, ("another one", "404: not here")))

    for text in (terminal(card, 80, plain), as_html(card)):
        assert text.count("400: no") == 1
        assert "feature 19" in text
        assert "404: not here" in text
    assert max(map(len, terminal(card, 60, plain).splitlines())) <= 60


def test_the_line_of_a_fault_names_as_many_probes_as_fit(cards: dict[str, Card]) -> None:
    heads = [line for line in terminal(cards["faulty"], 80, plain).splitlines() if " replies: " in line]

    assert heads
    assert not [line for line in heads if line.endswith("…")]


def test_many_faults_are_listed_before_they_are_told(cards: dict[str, Card]) -> None:
    page = as_html(cards["faulty"])
    named = re.findall(r'href="#([^"]+)"', page)

    assert named == [entry.name for entry in cards["faulty"].entries if entry.level != "legal"]
    assert len(named) > 3
    assert all(
        f'<article class={level} id="{name}">' in page
        for level, name in ((entry.level, entry.name) for entry in cards["faulty"].entries)
    )
    assert "What was found" not in as_html(cards["clean"])
