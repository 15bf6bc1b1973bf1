"""Finish reasons of any server, by word (`faults.md` section 15, ruling 10)."""

from __future__ import annotations

__all__ = ["FINISH_WORDS", "STRENGTH", "is_known", "meaning"]

_WORDS = {
    "stop": "stop end_turn stop_sequence pause_turn eos eos_token end stop_str stop_token generated complete completed "
    "finished finish stop_criteria_met done normal 1",
    "length": "length max_tokens model_length max_length max_output_tokens model_context_window_exceeded compaction 2",
    "tool_calls": "tool_calls tool_use tool_call tools tool-calls",
    "function_call": "function_call",
    "content_filter": "content_filter safety blocklist prohibited_content spii language recitation model_armor refusal "
    "error_toxic content_filtered guardrail_intervened sensitive blocked content-filter 3 4 5 6 7 8 9 10 11",
    "error": "error timeout network_error abort aborted cancelled insufficient_system_resource",
    "empty_is_error": "other finish_reason_unspecified malformed_function_call unexpected_tool_call "
    "too_many_tool_calls malformed_response load unload",
}

FINISH_WORDS: dict[str, str] = {word: meaning for meaning, words in _WORDS.items() for word in words.split()}
"""Lower-case word of any server -> one of OpenAI's five, `error`, or `empty_is_error`: stop where there is content."""

STRENGTH = {"stop": 0, "function_call": 1, "tool_calls": 2, "content_filter": 3, "length": 4, "error": 5}
"""Which of two reasons for one choice wins; what is not here counts as `stop`."""

_FAILURES = ("error", "fail", "exception")


def _plain(word: str) -> str:
    """`FinishReason.MAX_TOKENS`, an enum that leaked, as `max_tokens`."""
    return word.strip().lower().rpartition(".")[2]


def is_known(word: object) -> bool:
    """Whether `word` is a finish reason of any server that is known."""
    return isinstance(word, str) and _plain(word) in FINISH_WORDS


def meaning(word: str) -> str:
    """One of OpenAI's five words, `error` or `empty_is_error`; a word that nobody knows is `stop`, unless it says that
    something failed."""
    plain = _plain(word)
    known = FINISH_WORDS.get(plain)
    if known is not None:
        return known
    if plain.startswith("image_"):
        return "content_filter"
    return "error" if any(failure in plain for failure in _FAILURES) else "stop"
