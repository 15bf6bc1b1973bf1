"""Model servers that people run themselves.  Their ports are the usual ones; `url` beside `provider` names another."""

from __future__ import annotations

from typing import Final

from .row import Capabilities, Provider

__all__ = ["ROWS"]

_SEEN: Final = "2026-11-22"

ROWS: Final = (
    Provider(
        name="ollama",
        title="Ollama (OpenAI compatibility)",
        url="http://127.0.0.1:11434/v1",
        auth="none",
        hosts=("127.0.0.1:11434", "localhost:11434"),
        also=("ollama_chat",),
        # Its page lists the fields that it takes; what is not among them is not read.
        capabilities=Capabilities(
            stream_options=True,
            max_tokens_name="max_tokens",
            functions=False,
            content_parts=True,
            n=False,
            unsupported={"logit_bias": "drop", "user": "drop"},
        ),
        faults=(
            *("finish-stop-with-tools", "tool-index-all-zero", "tool-whole-call-one-chunk", "reasoning-field-name"),
            *("role-repeated", "created-varies", "finish-length-masked", "err-string", "err-mid-lost"),
        ),
        docs="https://docs.ollama.com/api/openai-compatibility",
        seen=_SEEN,
    ),
    Provider(
        name="ollama-native",
        title="Ollama (its own API)",
        dialect="ollama",
        url="http://127.0.0.1:11434",
        auth="none",
        hosts=("127.0.0.1:11434", "localhost:11434"),
        docs="https://docs.ollama.com/api/chat",
        seen=_SEEN,
    ),
    Provider(
        name="vllm",
        title="vLLM",
        url="http://127.0.0.1:8000/v1",
        key_env=("VLLM_API_KEY", "HOSTED_VLLM_API_KEY"),
        also=("hosted_vllm",),
        # Its ChatCompletionRequest has all of these but `functions`.
        capabilities=Capabilities(
            stream_options=True, usage_in_stream=False, functions=False, content_parts=True, n=True
        ),
        faults=(
            *("tool-calls-empty-array", "tool-id-repeated", "tool-index-dup-in-chunk", "finish-with-content"),
            *("finish-length-masked", "reasoning-field-name", "err-flat", "err-code-int", "think-open-missing"),
            "err-200-first-event",
        ),
        docs="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        seen=_SEEN,
    ),
    Provider(
        name="sglang",
        title="SGLang",
        url="http://127.0.0.1:30000/v1",
        capabilities=Capabilities(stream_options=True, usage_in_stream=False, functions=False, n=True),
        faults=(
            *("role-null-or-empty", "tool-name-late", "tool-name-empty-later", "finish-empty-string"),
            *("leading-blank-lines", "finish-stop-with-tools", "tool-calls-null", "err-flat"),
            *("err-200-first-event", "nan-infinity"),
        ),
        docs="https://docs.sglang.ai/basic_usage/openai_api_completions.html",
        seen=_SEEN,
    ),
    Provider(
        name="tgi",
        title="Hugging Face Text Generation Inference",
        url="http://127.0.0.1:8080/v1",
        faults=(
            *("id-empty", "finish-foreign-vocab", "stop-echoed", "done-missing", "sse-event-only-frame"),
            *("usage-unasked", "err-string", "err-200-first-event"),
        ),
        docs="https://huggingface.co/docs/text-generation-inference/en/messages_api",
        seen=_SEEN,
    ),
    Provider(
        name="tgi-native",
        title="Hugging Face Text Generation Inference (/generate)",
        dialect="hf_tgi",
        url="http://127.0.0.1:8080",
        docs="https://huggingface.github.io/text-generation-inference/",
        seen=_SEEN,
    ),
    Provider(
        name="llamacpp",
        title="llama.cpp",
        url="http://127.0.0.1:8080/v1",
        also=("llama.cpp", "llamafile"),
        faults=(
            *("content-null-first-delta", "model-empty", "tool-args-object", "usage-in-finish-chunk", "err-code-int"),
            *("emb-nested", "done-no-blank-line", "err-200-first-event", "err-mid-named-event"),
        ),
        docs="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        seen=_SEEN,
    ),
    Provider(
        name="lmstudio",
        title="LM Studio",
        url="http://127.0.0.1:1234/v1",
        key_env=("LM_STUDIO_API_KEY",),
        hosts=("127.0.0.1:1234", "localhost:1234"),
        also=("lm_studio",),
        faults=(
            *("err-unknown-endpoint-200", "think-open-missing", "err-string", "empty-deltas", "empty-stream"),
            "err-mid-stream",
        ),
        docs="https://lmstudio.ai/docs/developer/openai-compat",
        seen=_SEEN,
    ),
    Provider(
        name="mlx",
        title="MLX (mlx_lm.server)",
        url="http://127.0.0.1:8080/v1",
        faults=(
            *("finish-tool_call-singular", "content-key-missing", "stop-echoed", "finish-stop-with-tools"),
            *("finish-length-false", "replacement-chars"),
        ),
        docs="https://github.com/ml-explore/mlx-lm/blob/main/mlx_lm/SERVER.md",
        seen=_SEEN,
    ),
    Provider(
        name="localai",
        title="LocalAI",
        url="http://127.0.0.1:8080/v1",
        faults=(
            *("finish-empty-string", "one-char-chunks", "img-embedding-shape", "created-missing"),
            "replacement-chars",
        ),
        docs="https://localai.io/features/text-generation/",
        seen=_SEEN,
    ),
    Provider(
        name="koboldcpp",
        title="KoboldCpp",
        url="http://127.0.0.1:5001/v1",
        faults=("finish-null-string", "usage-missing-nonstream", "finish-length-false"),
        docs="https://github.com/LostRuins/koboldcpp/wiki",
        seen=_SEEN,
    ),
    Provider(
        name="tabbyapi",
        title="TabbyAPI",
        url="http://127.0.0.1:5000/v1",
        faults=("finish-foreign-vocab", "finish-stop-with-tools"),
        docs="https://theroyallab.github.io/tabbyAPI/",
        seen=_SEEN,
    ),
    Provider(
        name="textgen",
        title="text-generation-webui",
        url="http://127.0.0.1:5000/v1",
        also=("text-generation-webui", "oobabooga"),
        faults=("prefill-echo",),
        docs="https://github.com/oobabooga/text-generation-webui/wiki/12-%E2%80%90-OpenAI-API",
        seen=_SEEN,
    ),
    Provider(
        name="jan",
        title="Jan",
        url="http://127.0.0.1:1337/v1",
        hosts=("127.0.0.1:1337", "localhost:1337"),
        docs="https://www.jan.ai/docs/desktop/api-server",
        seen=_SEEN,
    ),
    Provider(
        name="lmdeploy",
        title="LMDeploy",
        url="http://127.0.0.1:23333/v1",
        capabilities=Capabilities(n=False),
        faults=("n-ignored",),
        docs="https://lmdeploy.readthedocs.io/en/latest/llm/api_server.html",
        seen=_SEEN,
    ),
    Provider(
        name="sdwebui",
        title="Stable Diffusion WebUI (AUTOMATIC1111, Forge)",
        dialect="sdwebui",
        url="http://127.0.0.1:7860",
        auth="none",
        docs="https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API",
        seen=_SEEN,
    ),
)
