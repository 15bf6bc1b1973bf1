from __future__ import annotations

import pytest

from trueline.shell.upstream import Target


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:11434/v1", ("http", "127.0.0.1", 11434, "/v1", "127.0.0.1:11434", "127.0.0.1:11434")),
        (" http://Example.COM/ ", ("http", "example.com", 80, "", "example.com", "example.com:80")),
        ("HTTPS://api.openai.com/v1/", ("https", "api.openai.com", 443, "/v1", "api.openai.com", "api.openai.com:443")),
        ("https://x:8443", ("https", "x", 8443, "", "x:8443", "x:8443")),
        ("http://[::1]:8000/a/b", ("http", "::1", 8000, "/a/b", "[::1]:8000", "[::1]:8000")),
        ("http://my_host.local/%20", ("http", "my_host.local", 80, "/%20", "my_host.local", "my_host.local:80")),
        ("http://münchen.example", ("http", "xn--mnchen-3ya.example", 80, "", *["xn--mnchen-3ya.example"], None)),
    ],
)
def test_parse(url: str, expected: tuple[object, ...]) -> None:
    target = Target.parse(url)
    found = (target.scheme, target.host, target.port, target.base_path, target.authority, target.origin)

    assert found[: len(expected) - 1] == expected[:-1]
    assert expected[-1] is None or found[-1] == expected[-1]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:11434/v1", "must start with http://"),
        ("", "must start with http://"),
        ("ftp://x", "must start with http://"),
        ("http://", "no host name"),
        ("http://:80/", "no host name"),
        ("http://x:0/", "port"),
        ("http://x:66666/", "port"),
        ("http://x:abc/", "port"),
        ("http://user:s3cret@x/", "user name or password"),
        ("http://x/v1?key=s3cret", "no ?query"),
        ("http://x/v1#s3cret", "no #fragment"),
        ("http://x/a b", "percent-encoded"),
        ("http://x/ü", "percent-encoded"),
        ("http://a b/", "character"),
        ("http://x\x00y/", "character"),
        ("http://[::g]/", "IPv6"),
        ("http://[::1", "IPv6"),
        ("http://s3cret@x\u2100/", "not a valid name"),
        (f"http://{'ü' * 70}/", "international"),
    ],
)
def test_mistakes_are_explained_without_their_secrets(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        Target.parse(url)

    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)
