"""The pages of docs/ that are tables of providers and prices: their text, and a line for each row."""

from __future__ import annotations

from collections.abc import Iterable

from trueline.prices import PRICES, Price, shown
from trueline.providers import PROVIDERS as ROWS
from trueline.providers import Provider
from trueline.settings.providers import spoken

__all__ = ["cost_page", "providers_page"]

PROVIDERS_PAGE = """\
# Providers

The {count} ways to reach a model that Trueline knows by name. `trueline providers` lists them, and
`trueline providers NAME` shows one row.

## By settings

The name is enough. The URL and how the key is shown come from the row, the key from its environment variable:

```yaml
upstreams:
  groq: {{provider: groq}}                                          # GROQ_API_KEY
  work: {{provider: azure, resource: acme, key: env:ACME_KEY}}      # acme.openai.azure.com, header `api-key`
  old: {{provider: azure-deployments, resource: acme, api_version: 2024-10-21}}
  gpu: {{provider: vllm, url: http://gpu-1:8000/v1}}
```

- What the upstream's own settings say comes first: `url`, `key`, `auth`, `dialect`.
- A `{{placeholder}}` of a URL or path is filled by the setting of that name, else from the environment variable beside
  it; what is missing is an error at the start.
- `azure` is the API of today, under `/openai/v1`. `azure-deployments` is the dated one: the model's name is that of the
  deployment and stands in the path, and requests that no model answers, such as `/models`, go without it.
- A URL alone is recognised by its host, so that what is known of its provider counts; how the key is shown and the
  paths are then still OpenAI's.
- Without a key in the settings, the environment or `headers`, the client's own key goes along, in the header where
  the provider looks for it. Where keys are signed or fetched (`sigv4`, `google_token`, `azure_ad`), it never does.

## With no settings

`provider/model` as the model's name reaches a provider whose key is in the environment:

```sh
GROQ_API_KEY=... trueline serve
curl http://127.0.0.1:4000/v1/chat/completions -d '{{"model": "groq/llama-3.3-70b-versatile", "messages": [...]}}'
```

Whoever may use Trueline then spends the keys of its environment. So this is done only while the settings name no
upstream; `providers: off` ends it and `providers: on` has it beside upstreams of your own, which come first by their
name. Otherwise a model `openai/gpt-4o` goes to the only upstream as it is. Clients choose among the rows below, and a
provider without its key is not reached: a client's key is never sent to a host that the client chose. OPENAI_API_KEY
counts as OpenAI's only if no OPENAI_BASE_URL says that it is somebody else's. Beyond loopback, `keys` lets in whom
you know.

## What the columns say

- *Dialect*: the format that is spoken with it. One in brackets is not spoken by this version; then the row
  with OpenAI's format, such as `anthropic-openai`, is the one to take.
- *Key*: how it is shown, and the environment variables that are looked at, in order. Where it is made for the occasion
  (`sigv4`, `google_token`), they only say that there are credentials to make it from.
- *Known*: what is documented of the requests it takes. What is not there nobody has looked up,
  and nothing is assumed of it.
- *Seen*: the day on which the row was written down. Not every page was read again that day.

| Name | Provider | Dialect | Base URL | Key | Seen |
|---|---|---|---|---|---|
"""

KNOWN_HEAD = """
## What is known

| Name | Requests | Faults to expect |
|---|---|---|
"""

COST_PAGE = """\
# Cost

Where the price of a model is known, Trueline says what an exchange cost, in US dollars:

- a whole reply in its header `x-trueline-cost-usd`; also an error in place of an answer that has to be paid for;
- any exchange in its log line, as `cost_usd`: a stream's cost is known only at its end;
- the sums, by upstream and model, as `trueline_cost_usd_total` in `GET /metrics`.

Where it is not known, there is no number: no header, no field, nothing in the sum. `usage` in the log and
`x-trueline-usage` say where the tokens of the cost came from: `reported` by the upstream, `mended`, or `counted` or
`estimated` by Trueline, in which case the cost is as near as they are.

## How it is worked out

- Cached tokens are part of the prompt and thoughts part of the completion, as OpenAI counts: each token is paid once,
  at its own price where it has one.
- A long prompt, where a provider charges more for it, is at the higher price from its first token on.
- Tokens of a kind whose price is not known (cached ones without a cached price, sound) make the whole cost unknown.
- The table has standard rates only. Where the request or the reply names another `service_tier` (`flex`, `priority`…),
  there is no number. Batches, discounts and contracts are not seen; nor are the hours of the day, so a provider that
  charges by them (DeepSeek) has no price here.
- A name with a date (`gpt-4o-2024-11-20`) has the price of the name without it, unless it has a row of its own.
- Prices are by provider: the same model at a gateway or a cloud has none until you give it one.

## Your own prices

For a million tokens, by the upstream's name for the model, or for one upstream by `upstream/model`:

```yaml
prices:
  gpt-4o: {{input: 2.5, cached: 1.25, output: 10}}
  local/llama3: {{input: 0, output: 0}}
  gpt-image-1: {{input: 5, image: 10, output: 40}}
```

They come before the table. `written` is what is put into a cache (`written_1h`: for an hour), `reasoning` thoughts and
`image` pictures in a prompt, where these cost other than the rest.

## The table

{count} prices, each with the page that says so and the day on which it was read. Providers change them: what
matters to you, check and set.

| Provider | Model | Input | Cached | Written | Output | Read |
|---|---|---|---|---|---|---|
"""


def providers_page() -> str:
    """The table of providers: how each is reached, and what is known of it."""
    head = PROVIDERS_PAGE.format(count=len(ROWS))
    known = [row for row in ROWS.values() if row.faults or _known(row)]
    return (
        head
        + "".join(map(provider_row, ROWS.values()))
        + KNOWN_HEAD
        + "".join(f"| `{row.name}` | {_known(row)} | {fault_links(row.faults)} |\n" for row in known)
    )


def provider_row(row: Provider) -> str:
    key = f"`{row.auth}`" + (f": {', '.join(f'`{name}`' for name in row.key_env)}" if row.key_env else "")
    dialect = row.dialect if row.dialect in spoken() else f"({row.dialect})"
    cells = (f"`{row.name}`", f"[{_cell(row.title)}]({row.docs})", dialect, f"`{row.url}`", key, row.seen)
    return f"| {' | '.join(cells)} |\n"


def _known(row: Provider) -> str:
    """What is known of the requests that it takes, in words."""
    known = row.capabilities
    yes_or_no = ("stream_options", "usage_in_stream", "developer_role", "functions", "content_parts", "n")
    words = [
        f"{name}: {'yes' if getattr(known, name) else 'no'}" for name in yes_or_no if getattr(known, name) is not None
    ]
    if known.max_tokens_name:
        words.append(f"only `{known.max_tokens_name}`")
    if known.keeps:
        words.append("keeps " + ", ".join(sorted(known.keeps)))
    for what in ("drop", "refuse"):
        names = [name for name, done in known.unsupported.items() if done == what]
        if names:
            words.append(f"{'dropped' if what == 'drop' else 'refused'}: {', '.join(names)}")
    return _cell("; ".join(words))


def fault_links(ids: Iterable[str]) -> str:
    """Ids that lead to their rows on the page of faults."""
    return ", ".join(f"[`{fault}`](faults.md#{fault})" for fault in ids)


def cost_page() -> str:
    """How costs are worked out, and the table of prices."""
    rows = "".join(price_row(provider, model, price) for (provider, model), price in sorted(PRICES.items()))
    return COST_PAGE.format(count=len(PRICES)) + rows


def price_row(provider: str, model: str, price: Price) -> str:
    long = price.long

    def rate(name: str) -> str:
        value, beyond = getattr(price, name), getattr(long, name, None)
        text = "" if value is None else shown(value)
        return f"{text} ({shown(beyond)} above {long.above:,})" if beyond is not None and long is not None else text

    image = f", pictures {shown(price.image)}" if price.image is not None else ""
    cells = (f"`{provider}`", f"`{model}`", rate("input") + image, rate("cached"), rate("written"), rate("output"))
    return f"| {' | '.join(cells)} | [{price.seen}]({price.source}) |\n"


def _cell(text: str) -> str:
    """Text that may stand in a Markdown table."""
    return text.replace("|", "\\|")
