"""Excerpts show the shape of what was sent, and nothing of what was said."""

from __future__ import annotations

import pytest

from trueline.excerpts import excerpt


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (
            b'data:{"id":"a1","model":"llama","choices":[{"delta":{"content":"I am Bob"},"finish_reason":"eos"}]}',
            'data:{"id":"a1","model":"llama","choices":[{"delta":{"content":"x xx xxx"},"finish_reason":"eos"}]}',
        ),
        (b'{"content":"<think>secret</think>42"}', '{"content":"<think>xxxxxx</think>xx"}'),
        (rb'{"arguments":"{\"city\": \"Paris\"}\n"}', r'{"arguments":"{\"xxxx\": \"xxxxx\"}\n"}'),
        (rb'{"content":"\u00e4b"}', r'{"content":"\u00e4x"}'),
        (b'{"usage":{"total_tokens":12.5,"x":null}}', '{"usage":{"total_tokens":12.5,"x":null}}'),
        (b"<html><body>Dear Bob</body></html>", "<html><body>xxxx xxx</body></html>"),
        (b"event: error\ndata: it failed for Bob", "event: error\ndata: xx xxxxxx xxx xxx"),
        (b'{"content":"cut in the mid', '{"content":"xxx xx xxx xxx'),
        (b'Bob","finish_reason":"stop"}', 'xxx","xxxxxx_xxxxxx":"xxxx"}'),
        (b'{\n    "id": 1\n}', '{\n "id": 1\n}'),
        (b"{'content': 'Bob', 'ok': True}", "{'xxxxxxx': 'xxx', 'xx': True}"),
        ('{"content":"Grüße, 世界"}'.encode(), '{"content":"xxxxx, xx"}'),
        (b"", ""),
        (b"\x00\xff", "\N{REPLACEMENT CHARACTER}" * 2),
    ],
)
def test_excerpts(data: bytes, shown: str) -> None:
    assert excerpt(data) == shown


def test_long_texts_are_shortened() -> None:
    shown = excerpt(b'{"content":"' + b"word " * 200 + b'","finish_reason":"eos"}')

    assert shown == '{"content":"xx…xx ","finish_reason":"eos"}'


def test_an_excerpt_is_short() -> None:
    assert len(excerpt(b'data: {"a":1}\n\n' * 1000)) == 700


def test_the_value_of_a_kept_field_is_no_way_out() -> None:
    assert "Bob" not in excerpt(b'{"id":"' + b"Bob " * 30 + b'"}')
