"""`provider: NAME`: what an upstream gets from its row, from the environment, and what it has to say itself."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from trueline.prices import Price
from trueline.providers import PROVIDERS
from trueline.settings import Secret, Settings, SettingsError, Upstream, load_settings
from trueline.settings.providers import spoken


def load(text: str, tmp_path: Path, **env: str) -> Settings:
    file = tmp_path / "trueline.yaml"
    file.write_text(text)
    return load_settings({}, env, file)


def one(text: str, tmp_path: Path, **env: str) -> Upstream:
    (upstream,) = load(f"upstreams: {{up: {text}}}", tmp_path, **env).upstreams.values()
    return upstream


def test_a_name_is_enough(tmp_path: Path) -> None:
    upstream = one("{provider: groq}", tmp_path, GROQ_API_KEY="gsk-1")

    assert upstream.url == PROVIDERS["groq"].url
    assert upstream.key == Secret("gsk-1")
    assert (upstream.provider, upstream.dialect, upstream.auth, upstream.path) == ("groq", "openai", "bearer", "{path}")


@pytest.mark.parametrize(
    ("text", "env", "key"),
    [
        ("{provider: together_ai}", {}, None),
        ("{provider: together}", {"TOGETHERAI_API_KEY": "second"}, "second"),
        ("{provider: together}", {"TOGETHERAI_API_KEY": "second", "TOGETHER_API_KEY": "first"}, "first"),
        ("{provider: together}", {"TOGETHER_API_KEY": "  ", "TOGETHERAI_API_KEY": "second"}, "second"),
        ("{provider: together, key: own}", {"TOGETHER_API_KEY": "first"}, "own"),
        ("{provider: together, headers: {X-API-Key: own}}", {"TOGETHER_API_KEY": "first"}, None),
        ("{url: 'https://api.together.xyz/v1'}", {"TOGETHER_API_KEY": "first"}, None),
    ],
)
def test_where_the_key_comes_from(text: str, env: Mapping[str, str], key: str | None, tmp_path: Path) -> None:
    upstream = one(text, tmp_path, **env)

    assert upstream.key == (Secret(key) if key else None)


def test_what_the_settings_say_comes_first(tmp_path: Path) -> None:
    upstream = one("{provider: ollama, url: 'http://gpu:11434', auth: bearer, key: k}", tmp_path)

    assert (upstream.url, upstream.auth, upstream.key) == ("http://gpu:11434/v1", "bearer", Secret("k"))


def test_placeholders_are_filled_from_settings_and_environment(tmp_path: Path) -> None:
    text = "{provider: azure-deployments, resource: acme}"
    upstream = one(text, tmp_path, AZURE_RESOURCE_NAME="other", AZURE_API_VERSION="2024-10-21", AZURE_API_KEY="k")

    assert upstream.url == "https://acme.openai.azure.com"
    assert upstream.path == "/openai/deployments/{model}{path}?api-version=2024-10-21"
    assert upstream.plain_path == "/openai{path}?api-version=2024-10-21"
    assert upstream.places == {"resource": "acme", "api_version": "2024-10-21"}
    assert upstream.auth == "api-key"


def test_a_url_of_its_own_needs_no_placeholders_for_it(tmp_path: Path) -> None:
    upstream = one("{provider: azure, url: 'https://gate.example/openai/v1'}", tmp_path)

    assert upstream.url == "https://gate.example/openai/v1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{provider: grok}",
            'upstreams.up.provider: there is no provider "grok" in the table; did you mean "groq"?'
            " `trueline providers` lists it",
        ),
        (
            "{provider: azure}",
            "upstreams.up.resource: is missing; Azure OpenAI, AI Foundry (v1 API) is at "
            "https://{resource}.openai.azure.com/openai/v1: "
            "set `resource` or the environment variable AZURE_RESOURCE_NAME",
        ),
        (
            "{provider: azure-deployments, resource: acme}",
            "upstreams.up.api_version: is missing; Azure OpenAI (deployments, dated API versions) is at "
            "/openai/deployments/{model}{path}?api-version={api_version}: "
            "set `api_version` or the environment variable AZURE_API_VERSION",
        ),
        (
            "{provider: azure, resource: 'evil.example/x'}",
            'upstreams.up.resource: found "evil.example/x"; allowed: letters, digits, dots, dashes and underscores',
        ),
        ("{url: 'http://x', auth: magic}", 'upstreams.up.auth: found "magic"; allowed: bearer, key, x-api-key,'),
        ("{url: 'http://x', dialect: latin}", 'upstreams.up.dialect: found "latin"; allowed: openai, anthropic,'),
    ],
)
def test_mistakes(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        one(text, tmp_path)

    assert message in str(refused.value)
    assert ":1: " in str(refused.value)


def test_a_dialect_without_code_says_what_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueline.settings.providers.NATIVE", {})

    for text, field in (("{provider: anthropic}", "provider"), ("{url: 'http://x', dialect: anthropic}", "dialect")):
        with pytest.raises(SettingsError) as refused:
            one(text, tmp_path)
        hint = "provider: anthropic-openai, or " if field == "provider" else ""
        assert str(refused.value).endswith(
            f'upstreams.up.{field}: the dialect "anthropic" is not spoken by this version; allowed: {hint}openai'
        )
    assert one("{provider: anthropic, dialect: openai}", tmp_path).url == "https://api.anthropic.com/v1"


def test_a_dialect_shows_its_key_as_its_servers_want(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("anthropic", "gemini", "bedrock", "ollama", "cohere")
    monkeypatch.setattr("trueline.settings.providers.NATIVE", dict.fromkeys(names, ".some"))

    shown = {name: one(f"{{url: 'http://x', dialect: {name}}}", tmp_path).auth for name in names}

    assert shown == {
        "anthropic": "x-api-key",
        "gemini": "x-goog-api-key",
        "bedrock": "sigv4",
        "ollama": "bearer",
        "cohere": "bearer",
    }


# -- provider/model ---------------------------------------------------------------------------------------------------

KEYS = {"GROQ_API_KEY": "g", "OPENAI_API_KEY": "o"}


@pytest.mark.parametrize(
    ("text", "env", "known"),
    [
        ("", {}, set()),
        ("", KEYS, {"groq", "openai"}),
        ("providers: off", KEYS, set()),
        ("upstreams: {a: 'http://a'}", KEYS, set()),
        ("{providers: on, upstreams: {a: 'http://a'}}", KEYS, {"groq", "openai"}),
        ("", {"TRUELINE_PROVIDERS": "off", **KEYS}, set()),
        ("", {"OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "https://openrouter.ai/api/v1"}, set()),
        ("", {"OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "https://api.openai.com/v1"}, {"openai"}),
        ("", {"AZURE_OPENAI_API_KEY": "a"}, set()),
        ("", {"AZURE_OPENAI_API_KEY": "a", "AZURE_RESOURCE_NAME": "acme"}, {"azure"}),
    ],
)
def test_which_providers_the_environment_gives(
    text: str, env: Mapping[str, str], known: set[str], tmp_path: Path
) -> None:
    assert set(load(text, tmp_path, **env).known) & {"groq", "openai", "azure", "azure-deployments"} == known


def test_what_it_gives_of_one() -> None:
    groq = load_settings({}, {"GROQ_API_KEY": "g", "TRUELINE_FORMAT_EXTRAS": "drop"}).known["groq"]

    assert (groq.url, groq.key, groq.provider) == (PROVIDERS["groq"].url, Secret("g"), "groq")
    assert groq.format.extras == "drop"


def test_credentials_that_never_leave_are_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trueline.settings.providers.NATIVE", {"bedrock": ".some", "gemini": ".some"})
    env = {"AWS_ACCESS_KEY_ID": "AKIA-ID", "AWS_REGION": "eu-west-1", "GOOGLE_APPLICATION_CREDENTIALS": "/a/file"}
    known = load_settings({}, env).known

    assert "vertex" not in known  # it lacks its project
    assert known["bedrock"].url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert (known["bedrock"].key, known["bedrock"].auth) == (None, "sigv4")


def test_openai_is_spoken() -> None:
    assert spoken()[0] == "openai"


# -- prices -----------------------------------------------------------------------------------------------------------


def test_prices_by_model(tmp_path: Path) -> None:
    text = """
prices:
  gpt-4o: {input: 2.50, cached: "1.25", output: "${OUT}"}
  up/meta/llama-3.1: {input: 0}
"""
    prices = load(text, tmp_path, OUT="10").prices

    assert prices == {
        "gpt-4o": Price(input=Decimal("2.50"), cached=Decimal("1.25"), output=Decimal(10)),
        "up/meta/llama-3.1": Price(input=Decimal(0)),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "prices: {m: {output: 1}}",
            ":1: prices.m.input: is missing; allowed: US dollars for a million tokens",
        ),
        (
            "prices: {m: {input: cheap}}",
            ':1: prices.m.input: found "cheap"; allowed: US dollars for a million tokens, such as 2.5',
        ),
        ("prices: {m: {input: -1}}", ':1: prices.m.input: found "-1"; allowed: US dollars'),
        ("prices: {m: {input: NaN}}", ':1: prices.m.input: found "NaN"; allowed: US dollars'),
        ("prices: {m: {input: 1e9}}", ':1: prices.m.input: found "1e9"; allowed: US dollars'),
        ("prices: {m: {imput: 1}}", ':1: prices.m.imput: unknown key; did you mean "input"?'),
        ("prices: {m: 1}", ':1: prices.m: found "1"; allowed: a mapping'),
    ],
)
def test_mistakes_in_prices(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load(text, tmp_path)

    assert message in str(refused.value)


@pytest.mark.parametrize(("region", "host"), [("europe-west4", "europe-west4-aiplatform"), ("global", "aiplatform")])
@pytest.mark.parametrize("provider", ["vertex", "vertex-anthropic"])
def test_vertex_has_a_host_for_everywhere(tmp_path: Path, provider: str, region: str, host: str) -> None:
    file = tmp_path / "trueline.yaml"
    file.write_text(f"upstreams: {{v: {{provider: {provider}, project: p-1, region: {region}}}}}\n")
    url = load_settings({}, {}, file).upstreams["v"].url
    assert url.startswith(f"https://{host}.googleapis.com/v1/projects/p-1/locations/{region}")
