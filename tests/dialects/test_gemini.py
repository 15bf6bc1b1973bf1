"""Gemini's replies as OpenAI's: whole and streamed, errors, and the recordings."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from dialects.kit import context, play, play_at_cuts, said, verdicts
from engine.kit import Fields
from trueline.dialects.gemini import DIALECT
from trueline.dialects.gemini.grounding import url_citations
from trueline.dialects.gemini.stream import GeminiReader

USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}


def candidate(*parts: Fields, finish: str | int | None = "STOP", index: int = 0, **more: Any) -> Fields:
    made: Fields = {"content": {"role": "model", "parts": list(parts)}, "index": index, **more}
    return made if finish is None else {**made, "finishReason": finish}


def reply(*candidates: Fields, **more: Any) -> Fields:
    return {
        "candidates": list(candidates),
        "usageMetadata": USAGE,
        "modelVersion": "gemini-2.5-flash",
        "responseId": "abc",
        **more,
    }


def whole(payload: Any, **fields: Any) -> Fields:
    played = play_at_cuts(DIALECT, json.dumps(payload).encode(), **fields)
    assert played.faults == {}
    return played.body


def streamed(*payloads: Any, **fields: Any) -> list[Fields]:
    data = "".join(f"data: {json.dumps(one)}\r\n\r\n" for one in payloads).encode()
    played = play_at_cuts(DIALECT, data, stream=True, stream_options={"include_usage": True}, **fields)
    assert played.faults == {}
    assert played.out.endswith(b"data: [DONE]\n\n")
    return played.chunks


def call(name: str = "f", args: Any = None, **more: Any) -> Fields:
    return {"functionCall": {"name": name, "args": {"x": 1} if args is None else args, **more}}


TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("f", "g")]

# -- what is said -----------------------------------------------------------------------------------------------------


def test_a_whole_reply() -> None:
    body = whole(reply(candidate({"text": "Hi "}, {"text": "you"}), createTime="2026-02-15T07:50:39.178410Z"))
    assert body["created"] == 1771141839
    assert body["model"] == "gemini-2.5-flash"
    assert body["id"].startswith("chatcmpl-")
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "Hi you", "refusal": None}
    assert body["choices"][0]["finish_reason"] == "stop"


def test_a_stream() -> None:
    chunks = streamed(
        reply(candidate({"text": "thinking", "thought": True}, finish=None)),
        reply(candidate({"text": "Hi "}, finish=None)),
        reply(candidate({"text": "you"})),
    )
    assert said(chunks) == "Hi you"
    assert said(chunks, "reasoning_content") == "thinking"
    assert [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]][-1] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 8


def test_a_stream_that_is_one_array() -> None:
    payloads = [reply(candidate({"text": "a"}, finish=None)), reply(candidate({"text": "b"}))]
    played = play_at_cuts(DIALECT, json.dumps(payloads, indent=1).encode(), stream=True)
    assert (said(played.chunks), played.faults) == ("ab", {})
    assert whole(payloads)["choices"][0]["message"]["content"] == "ab"


def test_calls_get_ids_and_keep_those_that_they_have() -> None:
    parts = ({"thoughtSignature": "c2ln", **call()}, call("g", {}, id="own-1"))
    for message in (
        whole(reply(candidate(*parts)), tools=TOOLS)["choices"][0]["message"],
        _message(streamed(reply(candidate(*parts)), tools=TOOLS)),
    ):
        first, second = message["tool_calls"]
        assert message["content"] is None
        assert first["id"].startswith("call_") and len(first["id"]) == 29
        assert first["function"] == {"name": "f", "arguments": '{"x":1}'}
        assert first["extra_content"] == {"google": {"thought_signature": "c2ln"}}
        assert (second["id"], second["function"]["arguments"]) == ("own-1", "{}")


def _message(chunks: list[Fields]) -> Fields:
    """The message that a stream amounts to."""
    message: Fields = {"content": None, "tool_calls": []}
    for delta in (choice["delta"] for chunk in chunks for choice in chunk["choices"]):
        message["content"] = (message["content"] or "") + (delta.get("content") or "") or None
        for piece in delta.get("tool_calls", []):
            if piece["index"] == len(message["tool_calls"]):
                message["tool_calls"].append(piece)
            else:
                message["tool_calls"][piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
    return message


def test_arguments_that_come_in_increments() -> None:
    pieces: list[Fields] = [
        {"name": "f", "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.city", "stringValue": "Par", "willContinue": True}], "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.city", "stringValue": "is"}], "willContinue": True},
        {"partialArgs": [{"jsonPath": "$.days[1].n", "numberValue": 2}], "willContinue": True},
        {},
    ]
    payloads = [reply(candidate({"functionCall": piece}, finish=None)) for piece in pieces]
    chunks = streamed(*payloads, reply(candidate()), tools=TOOLS)
    (made,) = _message(chunks)["tool_calls"]
    assert json.loads(made["function"]["arguments"]) == {"city": "Paris", "days": [None, {"n": 2}]}
    cut = streamed(payloads[0], reply(candidate()), tools=TOOLS)
    assert cut[-2]["choices"][0]["finish_reason"] == "content_filter"  # a call that never came is no stop


def test_signatures_of_texts() -> None:
    parts = (
        {"text": "why", "thought": True},
        {"text": "Hi", "thoughtSignature": "QQ=="},
        {"text": "", "thoughtSignature": "Qg=="},
    )
    message = whole(reply(candidate(*parts)))["choices"][0]["message"]
    assert message["reasoning_content"] == "why"
    assert message["reasoning_details"] == [
        {"type": "reasoning.encrypted", "data": "QQ==", "format": "google-gemini-v1", "part": "text"},
        {"type": "reasoning.encrypted", "data": "Qg==", "format": "google-gemini-v1", "part": "end"},
    ]


def test_pictures_and_parts_without_a_place() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    result = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}, "thoughtSignature": "QQ=="}
    message = whole(reply(candidate(code, result, {"text": "see"}, picture)))["choices"][0]["message"]
    assert message["content"] == "see"
    assert message["google_parts"] == [code, result]
    assert message["images"] == [
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64,iVBORw0K"},
            "extra_content": {"google": {"thought_signature": "QQ=="}},
        }
    ]


def test_several_candidates() -> None:
    chunks = streamed(
        reply(candidate({"text": "a"}, finish=None), candidate({"text": "x"}, finish=None, index=1)),
        reply(candidate({"text": "y"}, index=1)),
        reply(candidate({"text": "b"}, finish="MAX_TOKENS")),
        n=2,
    )
    texts = {0: "", 1: ""}
    ends: dict[int, Any] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["delta"].get("content") or ""
            ends[choice["index"]] = choice["finish_reason"] or ends.get(choice["index"])
    assert (texts, ends) == ({0: "ab", 1: "xy"}, {0: "length", 1: "stop"})
    body = whole(reply(candidate({"text": "a"}), candidate({"text": "b"}, index=1)))
    assert [choice["message"]["content"] for choice in body["choices"]] == ["a"]  # one was asked for


def test_log_probabilities() -> None:
    chosen = [{"token": "é", "logProbability": -0.5, "tokenId": 1}, {"token": "!"}]
    top = [
        {"candidates": [{"token": "é", "logProbability": -0.5}, {"token": "e", "logProbability": -2}]},
        {"candidates": []},
    ]
    given = reply(candidate({"text": "é!"}, logprobsResult={"chosenCandidates": chosen, "topCandidates": top}))
    tokens = whole(given, logprobs=True, top_logprobs=2)["choices"][0]["logprobs"]["content"]
    assert tokens[0] == {
        "token": "é",
        "logprob": -0.5,
        "bytes": [195, 169],
        "top_logprobs": [
            {"token": "é", "logprob": -0.5, "bytes": [195, 169]},
            {"token": "e", "logprob": -2, "bytes": [101]},
        ],
    }
    assert tokens[1] == {"token": "!", "logprob": 0.0, "bytes": [33], "top_logprobs": []}
    assert whole(given)["choices"][0]["logprobs"] is None


def test_grounding() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.test", "title": "A"}}, {"retrievedContext": {"text": "t"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 4, "endIndex": 9, "text": "there"}, "groundingChunkIndices": [0, 1]}
        ],
    }
    citation = {"url": "https://a.test", "title": "A", "start_index": 3, "end_index": 8}
    want = [{"type": "url_citation", "url_citation": citation}]
    message = whole(reply(candidate({"text": "Hé there"}, groundingMetadata=grounding)))["choices"][0]
    assert message["message"]["annotations"] == want
    assert message["groundingMetadata"] == grounding
    chunks = streamed(
        reply(candidate({"text": "Hé "}, finish=None)),
        reply(candidate({"text": "there"}, finish=None, groundingMetadata=grounding)),
        reply(candidate({"text": "."}, groundingMetadata=grounding)),
    )
    found = [one for chunk in chunks for choice in chunk["choices"] for one in choice["delta"].get("annotations", [])]
    assert [one["url_citation"] for one in found] == [citation]


@pytest.mark.parametrize(
    ("segment", "texts", "place"),
    [
        ({"endIndex": 2, "text": "ab"}, ["abc"], (0, 2)),
        ({"startIndex": 1, "endIndex": 3, "partIndex": 1, "text": "yz"}, ["ab", "xyz"], (3, 5)),
        ({"startIndex": 7, "endIndex": 9, "text": "yz"}, ["ab", "xyz"], (3, 5)),  # the quote counts, not the numbers
        ({"startIndex": 1, "endIndex": 3}, ["é€"], None),  # in the middle of a character: nearest
        ({"startIndex": 0, "endIndex": 99, "text": "none"}, ["abc"], "absent"),
        ({"text": 3}, ["abc"], "absent"),
    ],
)
def test_places_of_citations(segment: Fields, texts: list[str], place: Any) -> None:
    given = {
        "groundingChunks": [{"web": {"uri": "u"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 7, "x"]}],
    }
    found = [one["url_citation"] for one in url_citations(given, None, texts)]
    if place == "absent":
        assert found == []
    elif place is not None:
        assert [(one["start_index"], one["end_index"]) for one in found] == [place]


def test_citations() -> None:
    given = {
        "citationSources": [
            {"startIndex": 0, "endIndex": 2, "uri": "https://b.test"},
            {"endIndex": 2, "license": "MIT"},
        ]
    }
    body = whole(reply(candidate({"text": "Hi"}, citationMetadata=given)))
    citation = {"url": "https://b.test", "title": "https://b.test", "start_index": 0, "end_index": 2}
    assert body["choices"][0]["message"]["annotations"] == [{"type": "url_citation", "url_citation": citation}]


# -- how it ends ------------------------------------------------------------------------------------------------------

FILTERED = (
    *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"),
    *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE", "NO_IMAGE"),
)


@pytest.mark.parametrize(
    ("word", "parts", "reason"),
    [
        ("STOP", [{"text": "a"}], "stop"),
        ("STOP", [], "stop"),
        ("STOP", [call()], "tool_calls"),
        (1, [{"text": "a"}], "stop"),
        ("FinishReason.STOP", [{"text": "a"}], "stop"),
        ("MAX_TOKENS", [], "length"),
        (2, [{"text": "a"}], "length"),
        ("MAX_TOKENS", [call()], "length"),
        (3, [], "content_filter"),
        *((word, [], "content_filter") for word in FILTERED),
        *((word, [{"text": "a"}], "content_filter") for word in FILTERED),
        ("OTHER", [{"text": "a"}], "stop"),
        ("OTHER", [], "content_filter"),
        ("A_NEW_ONE", [{"text": "a"}], "stop"),
        ("A_NEW_ONE", [], "content_filter"),
    ],
)
def test_finish_reasons(word: Any, parts: list[Fields], reason: str) -> None:
    given = reply(candidate(*parts, finish=word, finishMessage="why"))
    choice = whole(given, tools=TOOLS)["choices"][0]
    assert choice["finish_reason"] == reason
    chunks = streamed(given, tools=TOOLS)
    assert [one["finish_reason"] for chunk in chunks for one in chunk["choices"]][-1] == reason
    plain = (isinstance(word, str) and word.rpartition(".")[2] in ("STOP", "MAX_TOKENS")) or word in (1, 2)
    assert choice.get("native_finish_message") == (None if plain else "why")
    assert ("native_finish_reason" in choice) is not plain


def test_a_stream_without_a_finish_is_cut() -> None:
    data = b"data: " + json.dumps(reply(candidate({"text": "a"}, finish=None))).encode() + b"\r\n\r\n"
    played = play_at_cuts(DIALECT, data, stream=True)
    assert b'"code":"upstream_cut"' in played.out
    assert b'"finish_reason":"' not in played.out


BLOCKED = {
    "promptFeedback": {
        "blockReason": "SAFETY",
        "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "blocked": True}, {"category": "X"}],
    },
    "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4},
}


@pytest.mark.parametrize(
    ("payload", "status", "code"),
    [
        (BLOCKED, 400, "content_filter"),
        ({"promptFeedback": {"blockReason": 3}}, 400, "content_filter"),
        ({"usageMetadata": USAGE}, 502, None),
        ({"candidates": []}, 502, None),
        ({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, 503, "UNAVAILABLE"),
        ([{"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}], 429, "rate_limit_exceeded"),
        (["x"], 502, "upstream_invalid_reply"),
    ],
)
def test_replies_that_are_none(payload: Any, status: int, code: str | None) -> None:
    played = play_at_cuts(DIALECT, json.dumps(payload).encode())
    assert played.error is not None
    assert (played.error.status, played.error.code) == (status, code)


def test_a_prompt_that_is_blocked_in_mid_stream_says_why() -> None:
    data = b"".join(
        b"data: " + json.dumps(payload).encode() + b"\r\n\r\n"
        for payload in (reply(candidate({"text": "so"}, finish=None)), BLOCKED)
    )
    played = play_at_cuts(DIALECT, data, stream=True)
    assert b'"content":"so"' in played.out
    assert b"The prompt was blocked: SAFETY (HARM_CATEGORY_HARASSMENT)." in played.out
    assert b'"code":"content_filter"' in played.out
    assert b"upstream_cut" not in played.out


def test_a_blocked_prompt_says_why() -> None:
    played = play(DIALECT, b"data: " + json.dumps(BLOCKED).encode() + b"\n\n", stream=True)
    assert played.error is not None
    assert played.error.message == "The prompt was blocked: SAFETY (HARM_CATEGORY_HARASSMENT)."


def test_an_error_in_a_stream() -> None:
    error = {"error": {"code": 500, "message": "An internal error has occurred.", "status": "INTERNAL"}}
    data = f"data: {json.dumps(reply(candidate({'text': 'a'}, finish=None)))}\r\n\r\ndata: {json.dumps(error)}\r\n\r\n"
    played = play_at_cuts(DIALECT, data.encode(), stream=True)
    assert b'"An internal error has occurred."' in played.out
    assert b'"finish_reason":"' not in played.out


# -- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (USAGE, (5, 3, 8, 0, 0)),
        ({**USAGE, "thoughtsTokenCount": 10, "totalTokenCount": 18}, (5, 13, 18, 0, 10)),
        ({**USAGE, "thoughtsTokenCount": 2}, (5, 3, 8, 0, 2)),  # they were counted among the answer
        ({**USAGE, "totalTokenCount": 20}, (5, 15, 20, 0, 12)),  # thoughts that only the total counts
        ({**USAGE, "toolUsePromptTokenCount": 7, "totalTokenCount": 15}, (12, 3, 15, 0, 0)),
        ({**USAGE, "cachedContentTokenCount": 4}, (5, 3, 8, 4, 0)),
    ],
)
def test_usage(given: Fields, want: tuple[int, ...]) -> None:
    body = whole(reply(candidate({"text": "a"}), usageMetadata=given))
    usage = body["usage"]
    details = usage["prompt_tokens_details"]["cached_tokens"], usage["completion_tokens_details"]["reasoning_tokens"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"], *details) == want


def test_usage_of_an_answer_that_was_kept_back() -> None:
    body = whole(
        reply({"content": {}, "finishReason": "SAFETY"}, usageMetadata={"promptTokenCount": 14, "totalTokenCount": 14})
    )
    assert [body["usage"][name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")] == [14, 0, 14]


def test_usage_by_modality() -> None:
    given = {
        **USAGE,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}, {"modality": "AUDIO", "tokenCount": 3}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 3}],
        "serviceTier": "standard",
        "trafficType": "ON_DEMAND",
    }
    body = whole(reply(candidate({"text": "a"}), usageMetadata=given))
    assert body["usage"]["prompt_tokens_details"]["audio_tokens"] == 3
    assert body["usage"]["completion_tokens_details"]["image_tokens"] == 3
    assert (body["usage"]["traffic_type"], body["service_tier"]) == ("ON_DEMAND", "default")


# -- errors -----------------------------------------------------------------------------------------------------------


def rpc(code: int, status: str, message: str = "m", *details: Fields) -> Fields:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


QUOTA = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}


@pytest.mark.parametrize(
    ("status", "body", "want"),
    [
        (400, rpc(400, "INVALID_ARGUMENT"), (400, "invalid_request_error", "INVALID_ARGUMENT", None)),
        (400, rpc(400, "INVALID_ARGUMENT", "m", BAD_KEY), (400, "invalid_request_error", "invalid_api_key", None)),
        (401, rpc(401, "UNAUTHENTICATED"), (401, "authentication_error", "invalid_api_key", None)),
        (403, rpc(403, "PERMISSION_DENIED"), (403, "permission_error", "PERMISSION_DENIED", None)),
        (
            404,
            rpc(404, "NOT_FOUND", "models/x is not found for"),
            (404, "invalid_request_error", "model_not_found", None),
        ),
        (429, rpc(429, "RESOURCE_EXHAUSTED", "q", QUOTA), (429, "rate_limit_error", "rate_limit_exceeded", "35")),
        (429, [rpc(429, "RESOURCE_EXHAUSTED")], (429, "rate_limit_error", "rate_limit_exceeded", None)),
        (503, rpc(503, "UNAVAILABLE"), (503, "server_error", "UNAVAILABLE", None)),
        (499, rpc(499, "CANCELLED"), (502, "server_error", "CANCELLED", None)),
        (
            400,
            rpc(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (3)."),
            (400, "invalid_request_error", "context_length_exceeded", None),
        ),
        (500, "boom", (500, "server_error", None, None)),
    ],
)
def test_errors(status: int, body: Any, want: tuple[Any, ...]) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    error = DIALECT.read_error(status, {"content-type": "application/json"}, raw)
    assert (error.status, error.type, error.code, error.retry_after) == want
    assert error.param is None
    if not isinstance(body, str):
        assert error.faults == ()


def test_retry_after_of_the_head_wins() -> None:
    raw = json.dumps(rpc(429, "RESOURCE_EXHAUSTED", "q", QUOTA)).encode()
    assert DIALECT.read_error(429, {"retry-after": "7"}, raw).retry_after == "7"


# -- anything ---------------------------------------------------------------------------------------------------------


NAMES = (
    *("candidates", "content", "parts", "text", "thought", "functionCall", "args", "name", "id", "finishReason"),
    *("usageMetadata", "promptTokenCount", "groundingMetadata", "groundingSupports", "groundingChunks", "segment"),
    *("logprobsResult", "chosenCandidates", "topCandidates", "inlineData", "promptFeedback", "blockReason", "error"),
    *("partialArgs", "jsonPath", "willContinue", "index", "safetyRatings", "citationMetadata", "citationSources"),
)


def _anything(dice: random.Random, depth: int = 0) -> Any:
    kind = dice.randrange(9 if depth < 6 else 6)
    if kind < 6:
        return dice.choice([None, True, 0, -1, 2, 1.5, "", "STOP", "x", 10**30, "$.a[0].b", float("1e300")])
    if kind == 6:
        return [_anything(dice, depth + 1) for _ in range(dice.randrange(4))]
    return {dice.choice(NAMES): _anything(dice, depth + 1) for _ in range(dice.randrange(6))}


def test_no_payload_breaks_the_readers() -> None:
    dice = random.Random(6)
    for _ in range(3000):
        reader = GeminiReader(context(stream=True, logprobs=True, n=2))
        payload = {"candidates": [_anything(dice, 1), {"content": {"parts": [_anything(dice, 2), _anything(dice, 2)]}}]}
        for one in (_anything(dice), payload, {**payload, "usageMetadata": _anything(dice, 1)}):
            reader.read(one)
            DIALECT.read_whole(one, context(logprobs=True))
            DIALECT.read_error(500, {}, json.dumps(one).encode())


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the judge leaves its files to the interpreter
def test_recorded_replies(shared: Path) -> None:
    wrong = [row for row in verdicts(shared, "gemini", DIALECT) if row[1] not in ("exact", "error")]
    assert wrong == []
