"""How a server's URL may be written, and which path is asked then: every dialect, every way of writing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dialects.image_kit import drawing, images_of
from dialects.kit import chat
from proxy.running import running
from proxy.test_translated import Answering
from shell.upstream.scripted import serve
from trueline.dialects.bases import joined
from trueline.dialects.provider import DIALECTS, Asked
from trueline.settings import load_settings
from trueline.shell.routes import Routes, spoken_by

HOST = "http://h:1"
ENDS = ("", "/", "/v1", "/v1/", "/gw", "/gw/v1")

PATHS: dict[str, tuple[str, ...]] = {
    "openai": (
        "/v1/chat/completions",
        "/chat/completions",
        "/v1/chat/completions",
        "/v1/chat/completions",
        "/gw/chat/completions",
        "/gw/v1/chat/completions",
    ),
    "gemini": (
        "/v1beta/models/m:generateContent",
        "/v1beta/models/m:generateContent",
        "/v1/models/m:generateContent",
        "/v1/models/m:generateContent",
        "/gw/v1beta/models/m:generateContent",
        "/gw/v1/models/m:generateContent",
    ),
    **{
        dialect: (path, path, path, path, "/gw" + path, "/gw" + path)
        for dialect, path in {
            "anthropic": "/v1/messages",
            "openai_responses": "/v1/responses",
            "anthropic_bedrock": "/model/m/invoke",
            "bedrock": "/model/m/converse",
            "cohere": "/v2/chat",
            "ollama": "/api/chat",
            "hf_tgi": "/generate",
            "dashscope": "/api/v1/services/aigc/text-generation/generation",
            "stability": "/v2beta/stable-image/generate/core",
            "bfl": "/v1/m",
            "replicate": "/v1/models/o/m/predictions",
            "fal": "/m",
            "sdwebui": "/sdapi/v1/txt2img",
        }.items()
    },
}
MODELS = {"stability": "stable-image-core", "replicate": "o/m"}


def reached(dialect: str, url: str, tmp_path: Path) -> Any:
    file = tmp_path / "trueline.yaml"
    file.write_text(json.dumps({"upstreams": {"u": {"url": url, "dialect": dialect, "key": "k1234567"}}}))
    return Routes(load_settings(file=file, env={})).backends["u"]


def asked_path(dialect: str, url: str, tmp_path: Path) -> str:
    backend = reached(dialect, url, tmp_path)
    base = backend.target.base_path
    spoken = spoken_by(backend)
    if spoken is None:
        return str(base + "/chat/completions")
    asked = Asked(MODELS.get(dialect, "m"), lambda note: None, "error", {}, backend.settings)
    sent = spoken.write_request(chat(), asked) if spoken.chats else images_of(dialect).write(drawing(), asked)[0]
    return str(base + joined(base, sent.path))


@pytest.mark.parametrize("dialect", ["openai", *DIALECTS])
@pytest.mark.parametrize("place", range(len(ENDS)), ids=[f"h{end}" for end in ENDS])
def test_the_path_that_is_asked(dialect: str, place: int, tmp_path: Path) -> None:
    assert asked_path(dialect, HOST + ENDS[place], tmp_path) == PATHS[dialect][place]


OTHERS = [
    ("ollama", "https://ollama.com/api", "/api/chat"),
    ("cohere", "https://api.cohere.com/v2", "/v2/chat"),
    ("dashscope", "https://dashscope-intl.aliyuncs.com/api/v1", "/api/v1/services/aigc/text-generation/generation"),
    ("gemini", "https://generativelanguage.googleapis.com/v1alpha", "/v1alpha/models/m:generateContent"),
    ("gemini", "https://generativelanguage.googleapis.com", "/v1beta/models/m:generateContent"),
    ("gemini", "https://aiplatform.googleapis.com", "/v1/publishers/google/models/m:generateContent"),
    ("gemini", "https://aiplatform.googleapis.com/v1/", "/v1/publishers/google/models/m:generateContent"),
    ("stability", "https://api.stability.ai/v2beta", "/v2beta/stable-image/generate/core"),
    ("sdwebui", "http://h/sdapi/v1", "/sdapi/v1/txt2img"),
    ("openai_responses", "https://x.openai.azure.com/openai/v1", "/openai/v1/responses"),
    ("hf_tgi", "https://api-inference.huggingface.co", "/models/m"),
]


@pytest.mark.parametrize(("dialect", "url", "path"), OTHERS)
def test_what_a_url_holds_already(dialect: str, url: str, path: str, tmp_path: Path) -> None:
    assert asked_path(dialect, url, tmp_path) == path


@pytest.mark.parametrize(
    ("dialect", "path", "end"),
    [
        *(("anthropic", "/v1/models?limit=1000", end) for end in ("", "/", "/v1")),
        *(("cohere", "/v1/models?page_size=1000", end) for end in ("", "/", "/v1", "/v2")),
        *(("ollama", "/api/tags", end) for end in ("", "/", "/v1")),
    ],
)
async def test_the_list_of_models(dialect: str, path: str, end: str, tmp_path: Path) -> None:
    native_list = Answering(("application/json", b'{"models": [], "data": []}'))
    async with serve(native_list) as server:
        file = tmp_path / "trueline.yaml"
        url = f"http://127.0.0.1:{server.port}{end}"
        file.write_text(json.dumps({"upstreams": {"u": {"url": url, "dialect": dialect, "key": "k1234567"}}}))
        async with running(load_settings(file=file, env={})) as proxy:
            await proxy.ask("GET", "/v1/models")
    assert native_list.seen[0].line == f"GET {path} HTTP/1.1"
