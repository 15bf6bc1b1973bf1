"""Keys that are made for the occasion: AWS's signatures, and tokens that Google and Azure give for a while.

Where credentials come from is the providers' own libraries' business, as their users are used to it: the environment,
files in the home directory, the machine's role.  Those libraries are extras (`trueline[bedrock]`, `[vertex]` and
`[azure]`), and what they do may wait for a network: it is done in a thread, and what they gave is kept while it holds.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from importlib import import_module
from typing import Any, Protocol

from ..errors import UpstreamError
from .headers import Pairs

__all__ = [
    "SIGNERS",
    "AwsSigner",
    "Signer",
    "Signing",
    "TokenSigner",
    "azure_token",
    "google_token",
    "is_aws",
    "region_of",
]

_EARLY = 120.0
"""Seconds before its end at which a token is fetched anew."""
_GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"


class Signer(Protocol):
    """Makes the headers that show who asks."""

    @property
    def ready(self) -> bool:
        """Whether `sign` can be called now; if not, `load` goes first."""

    def load(self) -> None:
        """Get credentials.  Blocks; raises UpstreamError where there are none."""

    def sign(self, method: str, url: str, headers: Pairs, body: bytes) -> Pairs:
        """The headers to add to a request; `url` is the whole of it."""


def _library(module: str, extra: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise UpstreamError(
            f"This upstream's requests need the package {package}, which is not installed: "
            f"install 'trueline[{extra}]', or give a `key` ({error}).",
            code="upstream_credentials_missing",
        ) from None


def _no_credentials(what: str, why: object) -> UpstreamError:
    return UpstreamError(f"There are no credentials for {what}: {why}", code="upstream_credentials_missing")


def is_aws(host: str) -> bool:
    """Whether a host is one of AWS's."""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def region_of(host: str) -> str:
    """The region in a host such as `bedrock-runtime.us-east-1.amazonaws.com`."""
    found = re.search(r"\b[a-z]{2}(?:-[a-z]+)+-\d\b", host)
    return found[0] if found else "us-east-1"


class AwsSigner:
    """Signature Version 4, by botocore.  `service` and `region` are part of what is signed.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html (seen 2026-11)
    """

    def __init__(self, region: str, service: str = "bedrock", credentials: Any = None) -> None:
        self._region = region
        self._service = service
        self._credentials = credentials
        self._frozen: Any = None

    @property
    def ready(self) -> bool:
        """See Signer."""
        credentials = self._credentials
        return self._frozen is not None and not getattr(credentials, "refresh_needed", lambda: False)()

    def load(self) -> None:
        """See Signer."""
        if self._credentials is None:
            session = _library("botocore.session", "bedrock", "botocore").Session()
            try:
                self._credentials = session.get_credentials()
            except Exception as error:
                raise _no_credentials("AWS", error) from None
        if self._credentials is None:
            raise _no_credentials("AWS", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile or a role.")
        try:
            self._frozen = self._credentials.get_frozen_credentials()
        except Exception as error:
            raise _no_credentials("AWS", error) from None

    def sign(self, method: str, url: str, headers: Pairs, body: bytes) -> Pairs:
        """See Signer."""
        auth = import_module("botocore.auth").SigV4Auth(self._frozen, self._service, self._region)
        kept = dict(_texts(pair for pair in headers if pair[0] == b"content-type"))
        request = import_module("botocore.awsrequest").AWSRequest(method, url, data=body, headers=kept)
        auth.add_auth(request)
        return [
            (name.lower().encode("latin-1"), str(value).encode("latin-1"))
            for name, value in request.headers.items()
            if name.lower() != "content-type"
        ]


class TokenSigner:
    """A bearer token; `fetch` gives one, and the time at which it ends in seconds since the epoch.  It may block."""

    def __init__(self, fetch: Callable[[], tuple[str, float]], clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token = ""
        self._until = 0.0

    @property
    def ready(self) -> bool:
        """See Signer."""
        return bool(self._token) and self._clock() < self._until - _EARLY

    def load(self) -> None:
        """See Signer."""
        self._token, self._until = self._fetch()

    def sign(self, method: str, url: str, headers: Pairs, body: bytes) -> Pairs:
        """See Signer."""
        return [(b"authorization", b"Bearer " + self._token.encode("latin-1"))]


def google_token() -> tuple[str, float]:
    """A token of Google Cloud's default credentials.

    https://cloud.google.com/docs/authentication/application-default-credentials (seen 2026-11)
    """
    auth = _library("google.auth", "vertex", "google-auth")
    transport = _library("google.auth.transport.requests", "vertex", "google-auth")
    try:
        credentials, _ = auth.default(scopes=[_GOOGLE_SCOPE])
        credentials.refresh(transport.Request())
    except Exception as error:
        raise _no_credentials("Google Cloud", error) from None
    expiry = credentials.expiry
    return str(credentials.token), expiry.replace(tzinfo=UTC).timestamp() if expiry is not None else time.time() + 3600


def azure_token() -> tuple[str, float]:
    """A token of Azure's default credential.

    https://learn.microsoft.com/azure/ai-foundry/openai/how-to/managed-identity (seen 2026-11)
    """
    identity = _library("azure.identity", "azure", "azure-identity")
    try:
        token = identity.DefaultAzureCredential().get_token(_AZURE_SCOPE)
    except Exception as error:
        raise _no_credentials("Azure", error) from None
    return str(token.token), float(token.expires_on)


SIGNERS: dict[str, Callable[[str], Signer]] = {
    "sigv4": AwsSigner,
    "google_token": lambda region: TokenSigner(google_token),
    "azure_ad": lambda region: TokenSigner(azure_token),
}
"""By `providers.Auth`: what makes a signer for a region."""


class Signing:
    """Signs the requests to one upstream; credentials are got once for all that wait for them."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._turn = asyncio.Lock()

    async def headers(self, method: str, url: str, headers: Pairs, body: bytes) -> Pairs:
        """The headers to add.  Raises UpstreamError where there are no credentials."""
        if not self._signer.ready:
            async with self._turn:
                if not self._signer.ready:
                    await asyncio.to_thread(self._signer.load)
        return self._signer.sign(method, url, headers, body)


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
