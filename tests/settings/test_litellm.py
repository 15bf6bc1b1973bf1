"""A LiteLLM config.yaml is accepted as it is, or refused with the entry that cannot be served."""

from __future__ import annotations

from pathlib import Path

import pytest

from trueline.settings import ModelAlias, Secret, Settings, SettingsError, load_settings


def load(text: str, folder: Path, env: dict[str, str] | None = None) -> Settings:
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return load_settings(env=env or {}, file=folder / "config.yaml")


CONFIG = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      rpm: 60
    model_info: {mode: chat}
  - model_name: gpt-4o-mini
    litellm_params: {model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
  - model_name: llama
    litellm_params:
      model: openai/meta-llama/Llama-3
      api_base: http://10.0.0.5:8000/v1
      api_key: "none"
      extra_headers: {X-Team: "${TEAM}"}
  - model_name: llama
    litellm_params: {model: hosted_vllm/other, api_base: http://10.0.0.6:8000}
  - model_name: qwen
    litellm_params: {model: "ollama_chat/qwen3:8b"}
  - model_name: qwen-far
    litellm_params: {model: ollama/qwen3, api_base: "http://gpu:11434"}
  - model_name: fast
    litellm_params: {model: groq/llama-3.1-8b-instant}
litellm_settings: {drop_params: true}
router_settings: {routing_strategy: simple-shuffle}
general_settings:
  master_key: sk-1234
  database_url: postgres://x
"""


def test_a_whole_config(tmp_path: Path) -> None:
    settings = load(CONFIG, tmp_path, {"OPENAI_API_KEY": "sk-o", "TEAM": "seven", "GROQ_API_KEY": "gsk"})

    assert {name: (u.url, u.key and u.key.reveal()) for name, u in settings.upstreams.items()} == {
        "openai": ("https://api.openai.com/v1", "sk-o"),
        "10.0.0.5:8000": ("http://10.0.0.5:8000/v1", "none"),
        "10.0.0.6:8000": ("http://10.0.0.6:8000", None),
        "ollama_chat": ("http://127.0.0.1:11434/v1", None),
        "gpu:11434": ("http://gpu:11434/v1", None),
        "groq": ("https://api.groq.com/openai/v1", "gsk"),
    }
    assert settings.upstreams["10.0.0.5:8000"].headers == {"X-Team": Secret("seven")}
    assert settings.models == {
        "gpt-4o": ModelAlias("openai", "gpt-4o"),
        "gpt-4o-mini": ModelAlias("openai", "gpt-4o-mini"),
        "llama": ModelAlias("10.0.0.5:8000", "meta-llama/Llama-3"),
        "qwen": ModelAlias("ollama_chat", "qwen3:8b"),
        "qwen-far": ModelAlias("gpu:11434", "qwen3"),
        "fast": ModelAlias("groq", "llama-3.1-8b-instant"),
    }
    assert settings.keys == (Secret("sk-1234"),)
    file = tmp_path / "config.yaml"
    assert settings.warnings == (
        f"{file}: llama has several entries; the first one serves it",
        f"{file}: not used by Trueline: "
        "general_settings.database_url, litellm_params.rpm, litellm_settings, router_settings",
    )


def test_two_keys_of_one_host_are_two_upstreams(tmp_path: Path) -> None:
    entry = "  - {model_name: %s, litellm_params: {model: openai/m, api_key: %s}}\n"
    settings = load("model_list:\n" + entry % ("a", "k1") + entry % ("b", "k2"), tmp_path)

    assert {name: u.key and u.key.reveal() for name, u in settings.upstreams.items()} == {
        "openai": "k1",
        "openai-2": "k2",
    }
    assert settings.models["b"] == ModelAlias("openai-2", "m")


def test_trueline_keys_may_stand_beside_it(tmp_path: Path) -> None:
    text = "port: 8000\nmodel_list:\n  - {model_name: a, litellm_params: {model: openai/m}}\n"

    assert load(text, tmp_path).port == 8000


def test_a_wildcard_with_one_upstream_needs_no_alias(tmp_path: Path) -> None:
    settings = load("model_list:\n  - {model_name: '*', litellm_params: {model: 'openai/*'}}\n", tmp_path)

    assert (list(settings.upstreams), settings.models) == (["openai"], {})


def test_a_custom_provider(tmp_path: Path) -> None:
    params = "{model: a/b, custom_llm_provider: openai, api_base: 'http://x/v1'}"
    settings = load(f"model_list:\n  - {{model_name: m, litellm_params: {params}}}\n", tmp_path)

    assert settings.models == {"m": ModelAlias("x", "a/b")}


PREFIXES = [
    ("{model: groq/m}", "groq", "groq", "https://api.groq.com/openai/v1", {}),
    ("{model: together_ai/m}", "together_ai", "together", "https://api.together.xyz/v1", {}),
    ("{model: dashscope/m}", "dashscope", "qwen", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", {}),
    ("{model: groq/m, api_base: 'https://gate.example/v1'}", "gate.example", None, "https://gate.example/v1", {}),
    ("{model: hosted_vllm/m, api_base: 'http://gpu:8000/v1'}", "gpu:8000", "vllm", "http://gpu:8000/v1", {}),
    ("{model: openai_like/m, api_base: 'http://x/v1'}", "x", None, "http://x/v1", {}),
    (
        "{model: azure/m, api_base: 'https://acme.openai.azure.com/', api_version: 2024-10-21}",
        *("acme.openai.azure.com", "azure-deployments", "https://acme.openai.azure.com", {"api_version": "2024-10-21"}),
    ),
]


@pytest.mark.parametrize(("params", "name", "provider", "url", "places"), PREFIXES)
def test_prefixes_are_rows_of_the_table(
    params: str, name: str, provider: str | None, url: str, places: dict[str, str], tmp_path: Path
) -> None:
    settings = load(f"model_list:\n  - {{model_name: a, litellm_params: {params}}}\n", tmp_path)
    (upstream,) = settings.upstreams.values()

    assert (upstream.name, upstream.provider, upstream.url) == (name, provider, url)
    assert upstream.places == places
    assert settings.models == {"a": ModelAlias(name, "m")}


def test_azure_has_the_paths_of_its_deployments(tmp_path: Path) -> None:
    params = "{model: azure/m, api_base: 'https://a.openai.azure.com', api_key: k, api_version: 2024-10-21}"
    settings = load(f"model_list:\n  - {{model_name: a, litellm_params: {params}}}\n", tmp_path)
    (upstream,) = settings.upstreams.values()

    assert upstream.path == "/openai/deployments/{model}{path}?api-version=2024-10-21"
    assert upstream.auth == "api-key"


@pytest.mark.parametrize(("spoken", "provider"), [((), "anthropic-openai"), (("anthropic",), "anthropic")])
def test_a_dialect_that_is_not_spoken_is_openais(
    spoken: tuple[str, ...], provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trueline.settings.providers.NATIVE", dict.fromkeys(spoken, ".some"))
    settings = load("model_list:\n  - {model_name: a, litellm_params: {model: anthropic/claude-x}}\n", tmp_path)

    assert settings.upstreams["anthropic"].provider == provider


ONLY = (
    "allowed: a provider that `trueline providers` lists, "
    "or openai/ before the model and the URL of its server in api_base"
)
REFUSED = [
    (
        "{model_name: m, litellm_params: {model: palm/bison}}",
        f'litellm_params.model: found "palm/bison"; {ONLY}',
    ),
    (
        "{model_name: m, litellm_params: {model: claude-3}}",
        f'litellm_params.model: found "claude-3"; {ONLY}',
    ),
    (
        "{model_name: m, litellm_params: {model: hosted_vllm/x}}",
        "litellm_params.api_base: is missing; hosted_vllm/ needs the URL of its server",
    ),
    (
        "{model_name: m, litellm_params: {model: openai/x, api_base: host}}",
        'litellm_params.api_base: found "host"; allowed: an http:// or https:// URL, such as http://127.0.0.1:11434/v1',
    ),
    (
        "{model_name: m, litellm_params: {model: openai/x, api_key: os.environ/NOPE}}",
        "litellm_params.api_key: the environment variable NOPE is not set",
    ),
    ("{litellm_params: {model: openai/x}}", "model_name: is missing"),
    ("{model_name: m}", "litellm_params: is missing"),
    ("{model_name: m, litellm_params: {}}", "litellm_params.model: is missing"),
    ("{model_name: m, litellm_params: [1]}", "litellm_params: found a list; allowed: a mapping"),
]


@pytest.mark.parametrize(("entry", "message"), REFUSED, ids=[entry for entry, _ in REFUSED])
def test_what_cannot_be_served_is_said(entry: str, message: str, tmp_path: Path) -> None:
    good = "{model_name: a, litellm_params: {model: openai/m}}"
    with pytest.raises(SettingsError) as caught:
        load(f"model_list:\n  - {good}\n  - {entry}\n", tmp_path)

    assert str(caught.value) == f"{tmp_path / 'config.yaml'}:3: model_list[1].{message}"


def test_a_wildcard_with_several_upstreams_is_refused(tmp_path: Path) -> None:
    text = (
        "model_list:\n"
        "  - {model_name: a, litellm_params: {model: groq/m}}\n"
        "  - {model_name: '*', litellm_params: {model: 'openai/*'}}\n"
    )
    with pytest.raises(SettingsError, match=r":3: model_list\[1\]: a \* is served only where all entries share"):
        load(text, tmp_path)


def test_the_sections_of_litellm_mean_nothing_without_a_model_list(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r":1: litellm_settings: unknown key"):
        load("litellm_settings: {drop_params: true}", tmp_path)
    with pytest.raises(SettingsError, match=r":1: model_list: allowed: a list"):
        load("model_list: {a: b}", tmp_path)
