"""A conversation as one prompt, in the form of the model's family.

The real chat template is the model's: it stands in its `tokenizer_config.json`, which is not here.  These are the
forms that the families document, without the beginning-of-text mark, which the server's tokenizer adds itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["DEFAULT", "TEMPLATES", "Template", "family_of", "render"]


class Template(NamedTuple):
    """What stands around each message, before and after it."""

    user: tuple[str, str]
    assistant: tuple[str, str]
    system: tuple[str, str]
    opening: str
    """Where the answer begins."""
    inside: bool = False
    """The family has no system message: its text stands at the beginning of the first user's."""


def _named(before: str, between: str, after: str, assistant: str = "assistant") -> Template:
    """A family that names the role in front of each message."""

    def around(role: str) -> tuple[str, str]:
        return before + role + between, after

    return Template(around("user"), around(assistant), around("system"), around(assistant)[0])


_CHATML: Final = _named("<|im_start|>", "\n", "<|im_end|>\n")
_GEMMA: Final = _named("<start_of_turn>", "\n", "<end_of_turn>\n", assistant="model")

TEMPLATES: Final[Mapping[str, Template]] = {
    "chatml": _CHATML,
    # https://www.llama.com/docs/model-cards-and-prompt-formats/meta-llama-2/ (seen 2026-11)
    "llama2": Template(("[INST] ", " [/INST]"), (" ", " </s><s>"), ("<<SYS>>\n", "\n<</SYS>>\n\n"), "", inside=True),
    # https://www.llama.com/docs/model-cards-and-prompt-formats/meta-llama-3/ (seen 2026-11)
    "llama3": _named("<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>"),
    # https://docs.mistral.ai/guides/tokenization/ (seen 2026-11)
    "mistral": Template(("[INST] ", " [/INST]"), (" ", "</s>"), ("", "\n\n"), "", inside=True),
    # https://huggingface.co/HuggingFaceH4/zephyr-7b-beta (seen 2026-11)
    "zephyr": _named("<|", "|>\n", "</s>\n"),
    # https://ai.google.dev/gemma/docs/core/prompt-structure (seen 2026-11)
    "gemma": _GEMMA._replace(system=("", "\n\n"), inside=True),
    # https://huggingface.co/microsoft/Phi-3-mini-4k-instruct (seen 2026-11)
    "phi": _named("<|", "|>\n", "<|end|>\n"),
    "none": Template(("", "\n\n"), ("", "\n\n"), ("", "\n\n"), ""),
}
"""By the name of the family; `none` is for models that only continue a text."""

DEFAULT: Final = "chatml"

_FAMILIES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), family)
    for pattern, family in (
        (r"hermes|dolphin|chatml", "chatml"),  # whatever they were made from
        (r"zephyr", "zephyr"),
        (r"llama[-_ ]?3", "llama3"),
        (r"llama[-_ ]?2|codellama", "llama2"),
        (r"mi[sx]tral|codestral|devstral", "mistral"),
        (r"gemma", "gemma"),
        (r"\bphi-?(3|4-mini)", "phi"),
        (r"\bgpt-?2\b|\b(flan-|m)?t5\b|\bbloom\b|\bopt-\d", "none"),
    )
)


def family_of(model: str) -> str:
    """The family that a model's name tells, or the default."""
    return next((family for pattern, family in _FAMILIES if pattern.search(model)), DEFAULT)


def render(template: Template, system: str, turns: list[tuple[str, str]]) -> str:
    """The prompt for messages (role, text), where the role is user or assistant."""
    pieces: list[str] = []
    before = "".join((template.system[0], system, template.system[1])) if system else ""
    if before and not template.inside:
        pieces.append(before)
    elif before and not any(role == "user" for role, _ in turns):
        turns = [("user", ""), *turns]
    for role, text in turns:
        start, end = template.assistant if role == "assistant" else template.user
        if before and template.inside and role == "user":
            text, before = before + text, ""
        pieces += (start, text, end)
    return "".join((*pieces, template.opening)).rstrip("\n" if not template.opening else "")
