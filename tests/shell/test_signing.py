"""Keys that are made for the occasion."""

from __future__ import annotations

import asyncio
import random
import string
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from trueline.errors import UpstreamError
from trueline.shell.signing import AwsSigner, Signing, TokenSigner, azure_token, google_token

JSON = [(b"content-type", b"application/json"), (b"x-request-id", b"req_1")]


def _requests() -> list[tuple[str, str, bytes, Credentials, str]]:
    dice = random.Random(11)

    def word(size: int, letters: str = string.ascii_letters + string.digits) -> str:
        return "".join(dice.choice(letters) for _ in range(size))

    made = []
    for _ in range(100):
        path = "/".join(
            word(dice.randrange(1, 20), string.ascii_letters + "%3A.-_~ü".replace("ü", "")) for _ in range(3)
        )
        url = f"https://bedrock-runtime.{word(8)}.amazonaws.com/model/{path.replace('%', '%25')}/converse"
        if dice.random() < 0.3:
            url += f"?{word(3)}={word(5)}&a={word(2)}"
        token = word(40) if dice.random() < 0.5 else None
        made.append(
            (url, word(9).lower(), dice.randbytes(dice.randrange(300)), Credentials(word(20), word(40), token), word(7))
        )
    return made


@pytest.mark.parametrize(("url", "region", "body", "credentials", "service"), _requests())
def test_a_signature_is_that_of_aws(
    monkeypatch: pytest.MonkeyPatch, url: str, region: str, body: bytes, credentials: Credentials, service: str
) -> None:
    from datetime import datetime

    now = datetime(2026, 11, 22, 12, 0, 0)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a, **k: now, raising=False)
    signer = AwsSigner(region, service, credentials)
    signer.load()
    made = dict(signer.sign("POST", url, JSON, body))
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(credentials.get_frozen_credentials(), service, region).add_auth(request)
    assert made[b"authorization"].decode() == request.headers["Authorization"]
    assert made[b"x-amz-date"].decode() == request.headers["X-Amz-Date"]
    assert b"content-type;host;x-amz-date" in made[b"authorization"]
    assert (b"x-amz-security-token" in made) == (credentials.token is not None)


async def test_credentials_are_got_once_for_many_requests() -> None:
    fetched: list[int] = []

    def fetch() -> tuple[str, float]:
        fetched.append(1)
        return "token", 1000.0

    signer = TokenSigner(fetch, clock=lambda: 0.0)
    signing = Signing(signer)
    made = await asyncio.gather(*(signing.headers("POST", "https://x/", [], b"") for _ in range(5)))
    assert made == [[(b"authorization", b"Bearer token")]] * 5
    assert fetched == [1]


async def test_a_token_is_fetched_anew_before_it_ends() -> None:
    now, count = 0.0, 0

    def fetch() -> tuple[str, float]:
        nonlocal count
        count += 1
        return f"token{count}", now + 1000.0

    signer = TokenSigner(fetch, clock=lambda: now)
    signing = Signing(signer)
    await signing.headers("POST", "https://x/", [], b"")
    now = 900.0
    assert await signing.headers("POST", "https://x/", [], b"") == [(b"authorization", b"Bearer token2")]


@pytest.mark.parametrize(
    ("load", "module", "extra"),
    [
        (lambda: AwsSigner("us-east-1").load(), "botocore.session", "bedrock"),
        (google_token, "google.auth", "vertex"),
        (azure_token, "azure.identity", "azure"),
    ],
)
def test_a_library_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, load: Any, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UpstreamError, match=rf"trueline\[{extra}\]"):
        load()


def test_no_credentials_are_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.session

    monkeypatch.setattr(botocore.session, "Session", lambda: SimpleNamespace(get_credentials=lambda: None))
    with pytest.raises(UpstreamError, match="AWS_ACCESS_KEY_ID") as raised:
        AwsSigner("us-east-1").load()
    assert raised.value.code == "upstream_credentials_missing"


def test_tokens_of_google_and_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    import google.auth
    from google.oauth2.credentials import Credentials as OfGoogle

    class Held(OfGoogle):
        def refresh(self, request: Any) -> None:
            from datetime import datetime

            self.token, self.expiry = "ya29", datetime(2030, 1, 1)

    monkeypatch.setattr(google.auth, "default", lambda scopes: (Held(None), "project"))  # type: ignore[no-untyped-call]
    assert google_token() == ("ya29", 1893456000.0)

    azure = ModuleType("azure.identity")
    held = SimpleNamespace(get_token=lambda scope: SimpleNamespace(token="eyJ", expires_on=5))
    azure.DefaultAzureCredential = lambda: held  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "azure.identity", azure)
    assert azure_token() == ("eyJ", 5.0)
