"""The settings that switch faults, from every source and for one upstream."""

from __future__ import annotations

from pathlib import Path

import pytest

from trueline.context import Enforce
from trueline.settings import SettingsError, load_settings

FILE = """\
upstreams:
  a:
    url: http://127.0.0.1:1/v1
    format: {off: [usage-unasked], tool_calls: whole}
  b: http://127.0.0.1:2/v1
format:
  fingerprint: keep
  options: [think-open-missing, special-token-leak]
"""


def test_file_and_upstream(tmp_path: Path) -> None:
    path = tmp_path / "trueline.yaml"
    path.write_text(FILE, encoding="utf-8")
    settings = load_settings(file=path)
    own, common = settings.upstreams["a"].format, settings.upstreams["b"].format

    assert common == settings.format
    assert (common.fingerprint, common.tool_calls, common.off) == ("keep", "as_sent", ())
    assert common.options == ("think-open-missing", "special-token-leak")
    assert (own.fingerprint, own.tool_calls, own.options, own.off) == (
        "keep",
        "whole",
        common.options,
        ("usage-unasked",),
    )


def test_environment_and_flag() -> None:
    settings = load_settings(
        {"format.off": "usage-unasked"}, {"TRUELINE_FORMAT_OPTIONS": "special-token-leak,prefill-echo"}
    )

    assert settings.format.options == ("special-token-leak", "prefill-echo")
    assert settings.format.off == ("usage-unasked",)


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("format.off", "id-missing", '"id-missing" cannot be switched off: no exact reply could be read or written'),
        ("format.off", "extra-fields", "`format.extras` decides"),
        ("format.off", "eof-truncated", "would be made up"),
        ("format.off", "special-token-leak", "belongs to `format.options`"),
        ("format.off", "usage-unaskd", 'did you mean "usage-unasked"?'),
        ("format.options", "usage-unasked", "belongs to `format.off`"),
        ("format.options", "n-interleave", "it is left alone in any case"),
        ("format.options", "stop-echoed", "`enforce.stop` decides"),
    ],
)
def test_what_cannot_be_switched_is_refused_by_name(key: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace("?", "\\?").replace("(", "\\(")):
        load_settings({key: text})


def test_what_is_enforced(tmp_path: Path) -> None:
    path = tmp_path / "trueline.yaml"
    path.write_text(
        "enforce: {stop: off, max_tokens: on, retries: 3}\n"
        "upstreams:\n"
        "  a: {url: http://127.0.0.1:1/v1, enforce: {stop: auto, on_invalid: retry}, format: {extras: drop}}\n"
        "  b: http://127.0.0.1:2/v1\n",
        encoding="utf-8",
    )
    settings = load_settings({"enforce.n": "off"}, {"TRUELINE_ENFORCE_RETRIES": "4"}, file=path)
    own, common = settings.upstreams["a"].format, settings.upstreams["b"].format

    assert common.enforce == Enforce(stop="off", max_tokens="on", n="off", retries=4)
    assert own.enforce == Enforce(max_tokens="on", n="off", retries=4, on_invalid="retry")
    assert (own.extras, common.extras) == ("drop", "keep")
