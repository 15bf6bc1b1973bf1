"""Pictures."""

from __future__ import annotations

from .row import CS, Fault, I

__all__ = ["ROWS"]

# fmt: off
ROWS: tuple[Fault, ...] = (
    Fault("img-created-missing", I, "must", "mends",
          "There is no `created`: the time of the reply is put in.",
          "recorded: xAI"),
    Fault("img-url-when-b64", I, "must", "mends",
          "A URL comes where base64 was asked for: the picture is fetched; beside base64 it goes.",
          "https://github.com/use-agent-os/agent-os/issues/2446"),
    Fault("img-b64-when-url", I, "must", "mends",
          "Base64 comes where a URL was asked for: it becomes a data URL; beside a URL it goes.",
          "https://github.com/atlas-php/atlas/pull/36"),
    Fault("img-both-null", I, "must", "mends",
          "`url` or `b64_json` is null or empty: the key goes.",
          "https://github.com/nextcloud/integration_openai/issues/290"),
    Fault("img-data-prefix", I, "must", "mends",
          "The base64 has a `data:` prefix: it is cut off.",
          "source: Portkey's reader for DeepInfra, which gives data URLs (669825cb)"),
    Fault("img-list-of-strings", I, "must", "mends",
          "Pictures are bare strings: each becomes a URL or base64.",
          "https://github.com/zhaobenny/bz-cogs/pull/49"),
    Fault("img-images-key", I, "must", "mends",
          "The pictures stand in another list than `data`, or under another key: they move there.",
          "https://github.com/QuantumNous/new-api/pull/2036"),
    Fault("img-top-level-array", I, "must", "mends",
          "The reply is a bare list: it becomes `data`.",
          "source: Portkey's reader for Fireworks (669825cb)"),
    Fault("img-single-field", I, "must", "mends",
          "One picture stands in a field of its own: it moves to `data`.",
          "source: Portkey's readers for Segmind, Workers AI and Stability (669825cb)"),
    Fault("img-binary-body", I, "must", "mends",
          "The reply is the picture itself: it becomes base64.",
          "source: Vercel's AI SDK reads it of Fireworks"),
    Fault("img-embedding-shape", I, "must", "mends",
          "Pictures come as embeddings: their fields and envelope go.",
          "https://github.com/nextcloud/integration_openai/issues/65"),
    Fault("img-url-private", I, "legal", "leaves",
          "A picture's URL has no host, or one that only the server can reach: passed as it came, and counted; ask for "
          "`b64_json`, which is fetched.",
          "https://github.com/nextcloud/integration_openai/issues/53"),
    Fault("img-extra-format", I, "legal", "leaves",
          "A server knows other values of `response_format`: the request is forwarded as it is.",
          "https://github.com/vllm-project/vllm-omni/pull/1673"),
    Fault("img-meta-null", I, "must", "mends",
          "`size` or the like is null or no text: dropped; in events, filled in from the picture's first bytes, else "
          "from the request, else `auto`.",
          "https://github.com/vllm-project/vllm-omni/issues/3092"),
    Fault("img-revised-prompt", I, "exact", "mends",
          "`revised_prompt` is empty, or of a model that has none: the key goes.",
          "inferred: LocalAI and xAI"),
    Fault("img-response-format-rejected", I, "legal", "leaves",
          "`response_format` is refused, as OpenAI's newer models do: it is forwarded only where the client sent it.",
          "https://github.com/langwatch/langwatch/pull/7769"),
    Fault("img-partial-n", I, "must", "mends",
          "Some pictures were withheld: the others leave; none at all is a 400.",
          "source: Vercel's AI SDK reads xAI's `respect_moderation: false`"),
    Fault("img-in-chat", CS, "legal", "option",
          "Pictures stand in `images` of a message: kept there, and written as Markdown too where the option is set.",
          "https://github.com/BerriAI/litellm/pull/13983",
          setting="options"),
    Fault("img-stream-events", I, "must", "mends",
          "A whole reply answers a stream request: completed events leave.",
          "inferred: most servers of images know no events"),
    Fault("img-async-task", I, "must", "refuses",
          "A task that has to be asked again answers instead of pictures: an error says so. No option polls it: every "
          "server has its own path for that.",
          "inferred: the own APIs of DashScope and Volcengine"),
    Fault("img-usage-foreign", I, "must", "mends",
          "The usage breaks the schema of images: it is left out.",
          "recorded: xAI"),
)
# fmt: on
