from __future__ import annotations

import pytest

from trueline.shell.upstream import Proxies, Proxy, Target


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", "http://model.test", False),
        ("", "http://localhost:11434", True),
        ("", "http://127.0.0.1", True),
        ("", "http://[::1]:8000", True),
        ("*", "http://model.test", True),
        ("*", "http://10.0.0.1", True),
        ("model.test", "http://model.test:8000", True),
        ("model.test", "http://a.model.test", True),
        ("model.test", "http://mymodel.test", False),
        (".test", "http://model.test", True),
        ("*.test", "http://model.test", True),
        ("MODEL.test ,x", "http://model.test", True),
        ("model.test:8000", "http://model.test:8000", True),
        ("model.test:8000", "http://model.test:8001", False),
        ("10.0.0.0/8", "http://10.1.2.3", True),
        ("10.0.0.0/8", "http://11.1.2.3", False),
        ("10.1.2.3", "http://10.1.2.3:1", True),
        ("10.1.2.3:2", "http://10.1.2.3:1", False),
        ("fd00::/8", "http://[fd00::1]", True),
        ("[fd00::1]:80", "http://[fd00::1]", True),
        ("nonsense/8", "http://10.1.2.3", False),
    ],
)
def test_no_proxy(no_proxy: str, url: str, direct: bool) -> None:
    proxies = Proxies(http="http://proxy.test:3128", no_proxy=no_proxy)

    for _ in range(2):  # the second answer comes from memory
        assert (proxies.for_target(Target.parse(url)) is None) is direct


@pytest.mark.parametrize(
    ("env", "http", "https"),
    [
        ({}, None, None),
        ({"HTTP_PROXY": "http://a:1", "https_proxy": "b:2"}, "a:1", "b:2"),
        ({"HTTP_PROXY": "a:1", "http_proxy": "c:3"}, "c:3", None),
        ({"HTTP_PROXY": "a:1", "REQUEST_METHOD": "GET"}, None, None),
        ({"ALL_PROXY": "a:1", "HTTPS_PROXY": "b:2"}, "a:1", "b:2"),
        ({"http_proxy": "", "https_proxy": ""}, None, None),
        ({"all_proxy": "a:1", "NO_PROXY": "x.test"}, None, None),
    ],
)
def test_from_env(env: dict[str, str], http: str | None, https: str | None) -> None:
    proxies = Proxies.from_env(env)

    for url, expected in [("http://x.test", http), ("https://x.test", https)]:
        proxy = proxies.for_target(Target.parse(url))
        assert (proxy and proxy.target.origin) == expected


def test_credentials_are_used_and_never_shown() -> None:
    proxy = Proxy.parse("http://us%40er:s3cret@proxy.test:3128")

    assert proxy.authorization == b"Basic dXNAZXI6czNjcmV0"
    assert "s3cret" not in repr(proxy) and "czNjcmV0" not in repr(proxy)


@pytest.mark.parametrize("url", ["socks5://x:1", "http://u:s3cret@", "http://u:s3cret@x:99999", "http://u:s3cret@[::1"])
def test_mistakes(url: str) -> None:
    with pytest.raises(ValueError, match=r"^proxy: ") as caught:
        Proxy.parse(url)

    assert "s3cret" not in str(caught.value)
