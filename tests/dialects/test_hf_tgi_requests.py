"""OpenAI's requests as prompts, held against the types of Hugging Face's own SDK and against recorded requests."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import get_type_hints

import pytest

from dialects.kit import Notes, chat, written
from dialects.own_readers import chats
from engine.kit import Fields
from trueline.dialects.hf_tgi import DIALECT
from trueline.dialects.hf_tgi.templates import TEMPLATES, family_of
from trueline.errors import RequestError
from trueline.settings import SettingsError, load_settings
from trueline.settings.table import TEMPLATE

hub = pytest.importorskip("huggingface_hub", reason="needs Hugging Face's SDK")

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TALK: list[Fields] = [
    {"role": "system", "content": "S"},
    {"role": "user", "content": "A"},
    {"role": "assistant", "content": "B"},
    {"role": "user", "content": [{"type": "text", "text": "C"}]},
]


def accepted(body: Fields) -> None:
    """The SDK has each parameter, of that type, and reads back the same."""
    kind = hub.TextGenerationInputGenerateParameters
    fields = {field.name for field in dataclasses.fields(kind)}
    assert set(body["parameters"]) <= fields
    assert set(body) <= {field.name for field in dataclasses.fields(hub.TextGenerationInput)}
    read = kind.parse_obj_as_instance(body["parameters"])
    hints = get_type_hints(kind)
    for name, value in body["parameters"].items():
        assert getattr(read, name) == value
        if name != "grammar":
            kinds = (float, int) if "float" in str(hints[name]) else (bool, int, list, str)
            assert isinstance(value, kinds), name


PROMPTS = {
    "chatml": (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n"
        "<|im_start|>user\nC<|im_end|>\n<|im_start|>assistant\n"
    ),
    "llama2": "[INST] <<SYS>>\nS\n<</SYS>>\n\nA [/INST] B </s><s>[INST] C [/INST]",
    "llama3": (
        "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nA<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nB<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nC"
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    "mistral": "[INST] S\n\nA [/INST] B</s>[INST] C [/INST]",
    "zephyr": "<|system|>\nS</s>\n<|user|>\nA</s>\n<|assistant|>\nB</s>\n<|user|>\nC</s>\n<|assistant|>\n",
    "gemma": (
        "<start_of_turn>user\nS\n\nA<end_of_turn>\n<start_of_turn>model\nB<end_of_turn>\n<start_of_turn>user\nC"
        "<end_of_turn>\n<start_of_turn>model\n"
    ),
    "phi": "<|system|>\nS<|end|>\n<|user|>\nA<|end|>\n<|assistant|>\nB<|end|>\n<|user|>\nC<|end|>\n<|assistant|>\n",
    "none": "S\n\nA\n\nB\n\nC",
}


@pytest.mark.parametrize("family", list(TEMPLATES))
def test_a_conversation_becomes_a_prompt(family: str) -> None:
    asked = Notes().asked("tgi", template=family)
    sent = DIALECT.write_request(chat(messages=TALK), asked)
    body = json.loads(sent.body)
    accepted(body)
    assert body["inputs"] == PROMPTS[family]
    assert sent.path == "/generate"


def test_a_system_message_alone_is_said_by_the_user() -> None:
    asked = Notes().asked("tgi", template="gemma")
    body = json.loads(DIALECT.write_request(chat(messages=TALK[:1]), asked).body)
    assert body["inputs"] == "<start_of_turn>user\nS\n\n<end_of_turn>\n<start_of_turn>model\n"


def test_the_setting_knows_the_families() -> None:
    assert [TEMPLATE.read(name) for name in TEMPLATES] == list(TEMPLATES)


@pytest.mark.parametrize("way", ["url: http://127.0.0.1:8080, dialect: hf_tgi", "provider: tgi-native"])
def test_the_setting_reaches_the_writer(tmp_path: Path, way: str) -> None:
    file = tmp_path / "trueline.yaml"
    file.write_text(f"upstreams: {{t: {{{way}, template: zephyr}}}}\n")
    assert load_settings(env={}, file=str(file)).upstreams["t"].places == {"template": "zephyr"}
    file.write_text(f"upstreams: {{t: {{{way}, template: zephir}}}}\n")
    with pytest.raises(SettingsError, match="zephyr"):
        load_settings(env={}, file=str(file))


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama3"),
        ("meta-llama/Llama-2-7b-chat-hf", "llama2"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral"),
        ("NousResearch/Hermes-2-Pro-Mistral-7B", "chatml"),
        ("HuggingFaceH4/zephyr-7b-beta", "zephyr"),
        ("google/gemma-2-9b-it", "gemma"),
        ("microsoft/Phi-3-mini-4k-instruct", "phi"),
        ("google/flan-t5-xxl", "none"),
        ("Qwen/Qwen2.5-7B-Instruct", "chatml"),
        ("tgi", "chatml"),
    ],
)
def test_families_by_the_names_of_models(model: str, family: str) -> None:
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"do_sample": True}),
        ({"max_completion_tokens": 9}, {"max_new_tokens": 9}),
        ({"stop": "END"}, {"stop": ["END"]}),
        ({"temperature": 0}, {"do_sample": False}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"top_p": 1}, {}),
        ({"seed": 3, "top_k": 5, "frequency_penalty": 0.5}, {"seed": 3, "top_k": 5, "frequency_penalty": 0.5}),
        ({"repetition_penalty": 1.1, "truncate": 100}, {"repetition_penalty": 1.1, "truncate": 100}),
        ({"logprobs": True, "top_logprobs": 2}, {"top_n_tokens": 2}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
            {"grammar": {"type": "json", "value": SCHEMA}},
        ),
    ],
)
def test_parameters(fields: Fields, expected: Fields) -> None:
    body = written(DIALECT, "tgi", **fields)
    accepted(body)
    always = {"details": True, "return_full_text": False, "do_sample": True}
    assert body["parameters"] == {**always, **expected}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "x"}}]}, "tools"),
        ({"presence_penalty": 1}, "presence_penalty"),
        ({"n": 2}, "n"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name_or_dropped(fields: Fields, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        written(DIALECT, "tgi", **fields)
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)
    notes = Notes()
    accepted(json.loads(DIALECT.write_request(chat(**fields), notes.asked("tgi", drop=True)).body))
    assert notes == [f"{param} dropped"]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"role": "tool", "tool_call_id": "x", "content": "y"}, "messages[0].role"),
        (
            {"role": "assistant", "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": "{}"}}]},
            "messages[0].tool_calls",
        ),
    ],
)
def test_messages_that_are_no_text_are_refused_by_their_place(message: Fields, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        written(DIALECT, "tgi", messages=[message, {"role": "user", "content": "hi"}])
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", param)


@pytest.mark.parametrize(
    ("host", "base", "path"),
    [
        ("127.0.0.1", "", "/generate_stream"),
        ("x.endpoints.huggingface.cloud", "", "/generate_stream"),
        ("api-inference.huggingface.co", "", "/models/org/m"),
        ("router.huggingface.co", "", "/hf-inference/models/org/m"),
        ("router.huggingface.co", "/hf-inference", "/models/org/m"),
        ("router.huggingface.co", "/hf-inference/models/org/m", ""),
        ("proxy.example.com", "/models", "/org/m"),
    ],
)
def test_where_it_is_asked(host: str, base: str, path: str) -> None:
    asked = Notes().asked("org/m", host=host, base_path=base)
    sent = DIALECT.write_request(chat(stream=True), asked)
    body = json.loads(sent.body)
    accepted(body)
    assert sent.path == path
    assert body.get("stream") == (None if path == "/generate_stream" else True)


def test_a_template_that_nobody_knows_is_named() -> None:
    with pytest.raises(RequestError, match="'template' is 'x'; allowed: chatml"):
        DIALECT.write_request(chat(), Notes().asked("m", template="x"))


def test_recorded_requests_can_be_said(shared: Path) -> None:
    """What recorded clients asked, asked in OpenAI's words, is the same request again."""
    seen = 0
    for row in chats(shared, "hf"):
        native = row["request"]["body"]
        given = native.get("parameters") or {}
        if (
            row["response"]["status"] != 200
            or not isinstance(native["inputs"], str)
            or not set(given) <= _OPENAIS.keys()
        ):
            continue
        seen += 1
        asked = {_OPENAIS[name]: value for name, value in given.items()}
        messages = [{"role": "user", "content": native["inputs"]}]
        model, stream = row["request"]["path"].partition("/models/")[2], bool(native.get("stream"))
        notes = Notes().asked(model, template="none", host=row["host"], base_path=_base(row))
        sent = DIALECT.write_request(chat(messages=messages, stream=stream, **asked), notes)
        body = json.loads(sent.body)
        accepted(body)
        assert body["inputs"] == native["inputs"]
        assert body["stream"] == stream
        assert {name: body["parameters"].get(name) for name in given} == given
        assert _base(row) + sent.path == row["request"]["path"]
    assert seen >= 10


_OPENAIS = {"max_new_tokens": "max_tokens", "seed": "seed", "truncate": "truncate", "temperature": "temperature"}


def _base(row: Fields) -> str:
    return str(row["request"]["path"].partition("/models/")[0])
