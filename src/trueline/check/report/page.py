"""The report card as one page: no script, nothing loaded from anywhere, fit to be sent to a colleague."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from ..card import Card, Entry, Group
from ..model import LEVELS, Result
from .style import STYLE
from .words import HEADINGS, MARKS, VERDICTS, alike, behind, counted, facts, openai, others, summary, where

__all__ = ["as_html"]

_SEEN_AT_ONCE = 3
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_html(card: Card) -> str:
    """The page."""
    title = f"{card.grade.letter}: {card.target}"
    body = "".join([_head(card), _index(card), _probes(card), *_faults(card), _lacking(card), _open(card), _foot(card)])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · Trueline check</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _head(card: Card) -> str:
    about = [card.model, card.when[:16].replace("T", " ") + " UTC" if card.when else ""]
    said = [facts(card) + ".", behind(card), *card.notes]
    letter = card.grade.letter
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in said if text)
    return (
        f"<h1>Trueline check</h1>\n<p class=target>{escape(card.target)}</p>\n"
        f"<p class=soft>{escape(' · '.join(part for part in about if part))}</p>\n"
        f'<div class=top><div class="grade {letter[0].replace("?", "unknown")}">'
        f"<span class=spoken>Grade </span><span>{letter}</span>"
        f"<small>{card.grade.points} of 100</small></div>\n"
        f"<div><p class=said>{escape(summary(card))}</p>{paragraphs}</div></div>\n"
    )


def _index(card: Card) -> str:
    """Every fault on one line, where there are so many that they do not fit on a screen."""
    entries = [entry for entry in card.entries if entry.level != "legal"]
    if len(entries) <= _SEEN_AT_ONCE:
        return ""
    rows = "".join(map(_line, entries))
    return f"<h2>What was found</h2>\n<p>and what is left of it behind Trueline</p>\n<table>{rows}</table>\n"


def _line(entry: Entry) -> str:
    name, left = escape(entry.name), "gone" if entry.cured else "left"
    link = f'<a href="#{name}"><code>{name}</code></a>'
    mark = f'<td class="count {"pass" if entry.cured else "wrong"}">{left}</td>'
    return (
        f"<tr class={entry.level}><th scope=row>{link}</th>"
        f"<td class=said-of>{_prose(entry.issue.text)}</td>{mark}</tr>\n"
    )


def _probes(card: Card) -> str:
    rows = "".join(map(_group, card.groups))
    keys = " · ".join(f"<span class={verdict}>{MARKS[verdict]}</span> {VERDICTS[verdict]}" for verdict in VERDICTS)
    return f"<h2>What was asked</h2>\n<p>{keys}</p>\n<table>{rows}</table>\n"


def _group(group: Group) -> str:
    marks = "".join(
        f'<span class={result.shade} title="{escape(_tip(result))}">{MARKS[result.shade]}</span>'
        for result in group.results
    )
    good = f"{group.count('pass')} of {len(group.results)}"
    cells = (
        f"<td class=marks aria-hidden=true>{marks}</td><td class=count>{good}</td><td class=soft>{others(group)}</td>"
    )
    return f"<tr><th scope=row>{escape(group.name)}</th>{cells}</tr>\n"


def _tip(result: Result) -> str:
    named = ", ".join(dict.fromkeys(issue.name for issue, _ in result.issues if issue.level != "legal"))
    return f"{result.probe.title}: {VERDICTS[result.shade]}" + (f" ({why})" if (why := result.reason or named) else "")


def _faults(card: Card) -> Iterable[str]:
    for level in LEVELS:
        entries = card.level(level)
        if entries:
            title, meaning = HEADINGS[level]
            yield f"<h2>{escape(title)}</h2>\n<p>{escape(meaning)}</p>\n" + "".join(map(_entry, entries))


def _entry(entry: Entry) -> str:
    rows = [
        ("wrong", _prose(entry.issue.text)),
        ("OpenAI", _prose(openai(entry))),
        ("server", _sample(entry.excerpt.before, "before")),
        ("Trueline", _sample(entry.excerpt.after, "after") + f"<p class=soft>{escape(entry.outcome)}</p>"),
        ("breaks", _effects(entry)),
    ]
    listed = "".join(f"<dt>{label}</dt><dd>{text}</dd>\n" for label, text in rows if text)
    rule = f" · rule {escape(entry.issue.rule)}" if entry.issue.rule else ""
    return (
        f'<article class={entry.level} id="{escape(entry.name)}"><h3>'
        f"<code>{escape(entry.name)}</code> "
        f"<span class=soft>{escape(where(entry))}{rule}</span></h3>\n<dl>{listed}</dl></article>\n"
    )


def _prose(text: str) -> str:
    """Text in which backticks mark code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _sample(lines: tuple[str, ...], kind: str) -> str:
    return f"<pre class={kind}>{escape(chr(10).join(lines))}</pre>" if lines else ""


def _effects(entry: Entry) -> str:
    items = "".join(f"<li><b>{escape(effect.client)}</b> {_prose(effect.what)}</li>" for effect in entry.clients)
    return f"<ul>{items}</ul>" if items else ""


def _lacking(card: Card) -> str:
    if not card.lacking:
        return ""
    rows = "".join(
        f"<tr><th scope=row class=many>{escape(', '.join(names))}</th><td>{escape(why)}</td></tr>\n"
        for names, why in alike(card)
    )
    meaning = "told apart from what is wrong; in the server's words"
    return f"<h2>Not supported</h2>\n<p>{meaning}</p>\n<table>{rows}</table>\n"


def _open(card: Card) -> str:
    left = [result for group in card.groups for result in group.results if result.verdict in ("skipped", "unreachable")]
    if not left:
        return ""
    rows = "".join(
        f"<tr><th scope=row>{escape(result.probe.id)}</th><td>{VERDICTS[result.verdict]}</td>"
        f"<td class=soft>{escape(result.reason)}</td></tr>\n"
        for result in left
    )
    return f"<h2>Not examined</h2>\n<p>skipped, or without an answer</p>\n<table>{rows}</table>\n"


def _foot(card: Card) -> str:
    spent = ""
    if not card.offline:
        spent = f"{counted(card.requests, 'request')}, about {counted(card.tokens, 'token')}, {card.seconds:.1f} s. "
    grades = (
        "From 100 points, each kind of fault that breaks clients takes 6, each difference 2, a missing feature 1 to 6."
    )
    return f"<footer>{spent}Made by Trueline {escape(card.version)}. {grades}</footer>\n"
