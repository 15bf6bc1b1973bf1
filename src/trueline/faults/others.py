"""Embeddings, legacy completions and lists of models."""

from __future__ import annotations

from .row import Fault, M, P, V

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("object-wrong-completions", P, "must", "mends",
          "`object` is not `text_completion`: it is set to that.",
          "https://github.com/NVIDIA/TensorRT-LLM/pull/12758"),
    Fault("emb-base64-ignored", V, "must", "mends",
          "Numbers come where base64 was asked for: they are packed.",
          "https://github.com/michaelfeil/infinity/issues/349"),
    Fault("emb-base64-unasked", V, "must", "mends",
          "Base64 comes where numbers were asked for: it is unpacked.",
          "https://github.com/openai/openai-python/issues/1490"),
    Fault("emb-nested", V, "must", "mends",
          "A vector is wrapped in another list: it is taken out. Several of them, one per token, are an error: no "
          "option averages, since only the model's card says how.",
          "https://github.com/abetlen/llama-cpp-python/issues/1588"),
    Fault("emb-top-array", V, "must", "mends",
          "The vectors are a bare list, or under another key: they move to `data`.",
          "https://github.com/langroid/langroid/pull/922"),
    Fault("emb-usage-null", V, "must", "mends",
          "Model or usage is missing: the requested name, and zero for no count.",
          "https://github.com/opea-project/GenAIComps/issues/926"),
    Fault("emb-index-object-missing", V, "must", "mends",
          "Entries lack `index` or `object`, or the list its `object`: they are put in.",
          "inferred: small servers, and relays of Cohere"),
    Fault("emb-order", V, "must", "mends",
          "Entries are not in the order of the inputs: sorted by index.",
          "inferred: gateways that batch"),
    Fault("emb-count", V, "must", "refuses",
          "There is not one vector for each input: an error, since nothing tells which one is whose.",
          "inferred: servers that leave out inputs that are empty or too long"),
    Fault("emb-nan", V, "must", "refuses",
          "A vector has values that are no finite numbers: an error.",
          "inferred: servers that compute in 16-bit floats"),
    Fault("models-bare-array", M, "must", "mends",
          "The list of models is a bare array: it becomes `data`.",
          "https://github.com/songquanpeng/one-api/issues/128"),
    Fault("models-object-missing", M, "must", "mends",
          "The list of models has no `object`: `list` is put in.",
          "https://github.com/xberg-io/liter-llm/issues/149"),
    Fault("models-other-key", M, "must", "mends",
          "The models stand in another list than `data`: they move there.",
          "inferred: the own lists of Gemini, Ollama and LM Studio"),
    Fault("models-fields-missing", M, "must", "mends",
          "A model lacks one of its four keys: it is added.",
          "https://github.com/openai-php/client/issues/598"),
    Fault("models-endpoint-404", M, "must", "leaves",
          "There is no list of models: the error passes, and no option invents a list; models that the settings "
          "name are listed without asking.",
          "https://github.com/pollinations/pollinations/pull/13839"),
    Fault("models-created-float-ms", M, "must", "mends",
          "`created` of a model is no whole seconds: it becomes such.",
          "inferred: from the same fault in chats (`created-float`, `created-ms`)"),
    Fault("completions-chat-shape", P, "must", "mends",
          "Text comes as a chat message or delta: it becomes `text`.",
          "recorded: Together AI, Portkey"),
    Fault("completions-usage-chunk", P, "must", "mends",
          "The usage of a stream has no choices, or zeros in each chunk: one report leaves in a chunk of its own.",
          "https://github.com/ogx-ai/ogx/pull/6541"),
    Fault("completions-text-null", P, "must", "mends",
          "`text` is null or missing: an empty string.",
          "inferred: llama-cpp-python"),
    Fault("completions-id", P, "legal", "leaves",
          "A completion has a chat's id: kept, since logs go by it, and counted.",
          "https://github.com/ikawrakow/ik_llama.cpp/issues/767"),
)
# fmt: on
