"""The habits of known servers and gateways: provider -> the faults to expect of it (faults.md section 19).

`like` commits those that leave a reply usable, on every reply, and gives errors in the provider's shape.  Those that
lose the reply (a stream cut short, an error in the middle) are committed only where they are asked for by name.
"""

from __future__ import annotations

__all__ = ["PROVIDERS"]

_TABLE: dict[str, str] = {
    "azure": "choices-empty-first delta-missing-null id-empty created-missing model-empty object-literal-type "
    "content-filter-results empty-deltas done-no-blank-line sse-crlf models-fields-missing",
    "cloudflare": "envelope-wrapped err-cf-envelope img-single-field tool-calls-other-shape",
    "copilot": "choices-split-by-kind choice-index-missing finish-missing reasoning-other-names sse-empty-data",
    "deepseek": "sse-comment leading-blank-lines usage-cached-elsewhere usage-in-finish-chunk",
    "gemini": "tool-index-missing tool-index-all-zero tool-id-missing id-missing fingerprint-missing err-array "
    "finish-foreign-vocab finish-stop-with-tools usage-excl-reasoning tool-whole-call-one-chunk finish-with-content",
    "groq": "usage-x-groq service-tier-foreign extra-fields role-repeated choices-empty-mid err-429-as-other",
    "llamacpp": "content-null-first-delta model-empty tool-args-object usage-in-finish-chunk err-code-int "
    "emb-nested done-no-blank-line",
    "lmstudio": "err-unknown-endpoint-200 think-open-missing err-string empty-deltas",
    "localai": "finish-empty-string one-char-chunks img-embedding-shape created-missing",
    "minimax": "role-null-or-empty usage-empty-object final-full-repeat think-in-content done-missing err-200-baseresp",
    "mistral": "content-parts-list object-missing usage-cached-elsewhere usage-unasked finish-with-content err-detail",
    "mlx": "finish-tool_call-singular content-key-missing stop-echoed finish-stop-with-tools finish-length-false",
    "moonshot": "usage-in-choice choice-index-missing usage-dup tool-id-duplicate tool-name-decorated err-flat",
    "ollama": "finish-stop-with-tools tool-index-all-zero tool-whole-call-one-chunk reasoning-field-name "
    "role-repeated created-varies finish-length-masked err-string",
    "openrouter": "sse-comment service-tier-foreign extra-fields reasoning-field-name list-in-delta-no-index "
    "tool-id-duplicate models-object-missing err-code-int",
    "perplexity": "message-not-delta content-cumulative object-wrong-stream usage-every-chunk-cumulative done-missing "
    "sse-crlf extra-fields",
    "qwen": "content-cumulative tool-id-empty-later tool-name-empty-later tool-id-repeated role-null-or-empty "
    "sse-no-space",
    "sglang": "role-null-or-empty tool-name-late tool-name-empty-later finish-empty-string leading-blank-lines "
    "finish-stop-with-tools tool-calls-null err-flat",
    "tgi": "id-empty finish-foreign-vocab stop-echoed done-missing sse-event-only-frame usage-unasked err-string",
    "together": "finish-foreign-vocab tool-id-repeated usage-in-finish-chunk role-repeated models-bare-array "
    "img-top-level-array",
    "vllm": "tool-calls-empty-array tool-id-repeated tool-index-dup-in-chunk finish-with-content finish-length-masked "
    "reasoning-field-name err-flat err-code-int",
    "xai": "usage-excl-reasoning usage-chunk-choices-nonempty usage-dup reasoning-mirrored err-string",
}

PROVIDERS: dict[str, tuple[str, ...]] = {name: tuple(ids.split()) for name, ids in _TABLE.items()}
"""Provider -> fault ids."""
