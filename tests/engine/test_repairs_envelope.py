"""The envelope: one id, created, model, tier and fingerprint, whatever came under these names."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from engine.kit import NOW, chat, chunk, play, sse, through
from trueline.context import FormatOptions
from trueline.events import ReplyStart
from trueline.repairs.envelope import Envelope

MINTED = "chatcmpl-" + "1".zfill(29)


def envelope(options: FormatOptions = FormatOptions(), **fields: Any) -> tuple[ReplyStart, dict[str, int]]:
    exact = {"id": "chatcmpl-x", "created": NOW, "model": "m", "fingerprint": "fp_x"}
    [start], faults = through(Envelope, [ReplyStart(**{**exact, **fields})], chat(model="asked"), options)
    assert isinstance(start, ReplyStart)
    return start, faults


def test_what_is_exact_stays() -> None:
    assert envelope() == (ReplyStart("chatcmpl-x", NOW, "m", "fp_x"), {})


@pytest.mark.parametrize(
    ("sent", "kept", "fault"),
    [
        ("chatcmpl-x", "chatcmpl-x", None),
        ("any-thing stable", "any-thing stable", "id-prefix-wrong"),
        (7, "7", "id-missing"),
        (UNSET, MINTED, "id-missing"),
        (None, MINTED, "id-missing"),
        (True, MINTED, "id-missing"),
        ([], MINTED, "id-missing"),
        ({"a": 1}, MINTED, "id-missing"),
        ("", MINTED, "id-empty"),
        ("null", MINTED, "id-null-string"),
        ("None", MINTED, "id-null-string"),
        ("undefined", MINTED, "id-null-string"),
    ],
)
def test_id(sent: Any, kept: str, fault: str | None) -> None:
    start, faults = envelope(id=sent)

    assert start.id == kept
    assert faults == ({fault: 1} if fault else {})


def test_id_in_the_form_of_openai() -> None:
    played = play(sse(chunk({"role": "assistant", "content": "a"}, "stop")), options=FormatOptions(id="openai"))

    assert {p["id"] for p in played.payloads} == {MINTED}
    assert played.upstream_id == "chatcmpl-1"


@pytest.mark.parametrize(
    ("sent", "kept", "fault"),
    [
        (NOW, NOW, None),
        (1, 1, None),
        (NOW + 0.75, NOW, "created-float"),
        (NOW * 1000 + 5, NOW, "created-ms"),
        (NOW * 1_000_000 + 5, NOW, "created-ms"),
        (NOW * 1_000_000_000 + 5, NOW, "created-ms"),
        (NOW * 1000.5, int(NOW * 1.0005), "created-ms"),
        (str(NOW - 1), NOW - 1, "created-string"),
        (f" {NOW - 1}.5 ", NOW - 1, "created-string"),
        ("2025/05/16 16:29:57", 1747412997, "created-string"),
        ("2025-05-16 16:29:57", 1747412997, "created-string"),
        ("2025-05-16T16:29:57.123Z", 1747412997, "created-string"),
        ("yesterday", NOW, "created-string"),
        ("", NOW, "created-string"),
        ("٣", NOW, "created-string"),
        ("9" * 5000, NOW, "created-string"),
        (UNSET, NOW, "created-missing"),
        (None, NOW, "created-missing"),
        (0, NOW, "created-missing"),
        (-1, NOW, "created-missing"),
        (0.49, NOW, "created-missing"),
        (True, NOW, "created-missing"),
        (float("nan"), NOW, "created-missing"),
        (float("inf"), NOW, "created-missing"),
        (10**400, NOW, "created-missing"),
        (1e308, NOW, "created-missing"),
        ({}, NOW, "created-missing"),
    ],
)
def test_created(sent: Any, kept: int, fault: str | None) -> None:
    start, faults = envelope(created=sent)

    assert start.created == kept
    assert type(start.created) is int
    assert list(faults)[:1] == ([fault] if fault else [])


@pytest.mark.parametrize("sent", ["", None, UNSET, 7, [], {"a": "b"}])
def test_a_reply_without_a_model_is_by_the_one_that_was_asked(sent: Any) -> None:
    start, faults = envelope(model=sent)

    assert start.model == "gpt-4o"  # the route's: what the upstream was asked for
    assert faults == {"model-empty": 1}


def test_the_name_that_was_requested() -> None:
    start, faults = envelope(FormatOptions(model_name="requested"), model="upstream-name")

    assert start.model == "asked"
    assert faults == {"model-differs": 1}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("auto", "auto"),
        ("default", "default"),
        ("priority", "priority"),
        ("fast", "fast"),
        (None, None),
        (UNSET, UNSET),
        ("standard", "default"),
        ("on_demand", "default"),
        ("gold", UNSET),
        ("", UNSET),
        (7, UNSET),
        ([], UNSET),
        ({}, UNSET),
    ],
)
def test_service_tier(sent: Any, kept: Any) -> None:
    start, faults = envelope(service_tier=sent)

    assert start.service_tier == kept
    assert faults == ({} if kept == sent else {"service-tier-foreign": 1})


def test_fingerprint_of_the_upstream_stays_even_null() -> None:
    assert envelope(fingerprint=None)[0].fingerprint is None
    assert envelope(fingerprint="anything")[0].fingerprint == "anything"


@pytest.mark.parametrize("sent", [UNSET, "", 7, [], {}])
def test_fingerprint_is_derived_from_the_backend(sent: Any) -> None:
    start, faults = envelope(fingerprint=sent)
    other, _ = envelope(fingerprint=sent, model="another")

    assert isinstance(start.fingerprint, str) and start.fingerprint.startswith("fp_") and len(start.fingerprint) == 13
    assert envelope(fingerprint=sent)[0].fingerprint == start.fingerprint
    assert other.fingerprint != start.fingerprint
    assert faults == {"fingerprint-missing": 1}
