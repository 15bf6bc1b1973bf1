"""`/metrics` and `/trueline/faults`: what is counted, under which labels, and who may see it."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.running import CHAT, Proxy, body_of, running, settings, upstream
from shell.upstream.scripted import until
from trueline.shell.exchange import Exchange
from trueline.shell.metrics import MODELS, Metrics, path_label
from trueline.sim import SimServer

SAMPLE = re.compile(r'trueline_\w+(\{(\w+="([^"\\\n]|\\.)*",?)+\})? \d+(\.\d+)?')


async def samples(proxy: Proxy, **headers: str) -> dict[str, float]:
    """What `/metrics` says, by name with labels."""
    await until(lambda: proxy.running == 0)
    reply = await proxy.ask("GET", "/metrics", **headers)
    assert (reply.status, reply.header("content-type")) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = reply.body.decode().splitlines()
    for line in lines:
        assert line.startswith(("# HELP trueline_", "# TYPE trueline_")) or SAMPLE.fullmatch(line), line
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


async def test_requests_faults_and_bytes_are_counted() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        whole = await proxy.chat(x_sim={"faults": ["finish-foreign-vocab"]})
        stream = await proxy.chat(stream=True, x_sim={"faults": ["sse-no-space"]})
        await proxy.chat(x_sim={"fail": "http-429"})
        await proxy.ask("GET", "/nowhere/at/all")
        found = await samples(proxy)

    requests = {name: n for name, n in found.items() if name.startswith("trueline_requests_total")}
    assert requests == {
        f'trueline_requests_total{{path="{CHAT}",upstream="up",status="200"}}': 2,
        f'trueline_requests_total{{path="{CHAT}",upstream="up",status="429"}}': 1,
        'trueline_requests_total{path="other",upstream="-",status="404"}': 1,
    }
    assert found['trueline_faults_total{fault="finish-foreign-vocab",upstream="up",model="gpt-4o"}'] == 1
    assert found['trueline_faults_total{fault="sse-no-space",upstream="up",model="gpt-4o"}'] > 3
    assert found['trueline_sent_bytes_total{upstream="up"}'] > len(whole.body) + len(stream.body)
    assert found['trueline_received_bytes_total{upstream="up"}'] > 500
    assert found["trueline_requests_running"] == found["trueline_streams_open"] == 0


async def test_the_time_of_upstreams_is_a_histogram() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        for _ in range(3):
            await proxy.chat()
        found = await samples(proxy)

    buckets = [n for name, n in found.items() if name.startswith("trueline_upstream_seconds_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == 3
    assert found['trueline_upstream_seconds_bucket{upstream="up",le="+Inf"}'] == 3
    assert found['trueline_upstream_seconds_count{upstream="up"}'] == 3
    assert 0 < found['trueline_upstream_seconds_sum{upstream="up"}'] < 15


async def test_open_streams_are_seen_while_they_are_open() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        talk = await proxy.talk()
        await talk.send("POST", CHAT, body_of(stream=True, x_sim={"hold_after": 2}))
        await talk.head()
        await talk.event()
        reply = await proxy.ask("GET", "/metrics")
        talk.close()
        found = await samples(proxy)

    assert b"\ntrueline_streams_open 1\n" in reply.body and b"\ntrueline_requests_running 1\n" in reply.body
    assert found["trueline_streams_open"] == 0


async def test_faults_with_an_example_each() -> None:
    async with SimServer() as sim:
        chosen = settings(upstream(sim.url, name="a"), upstream(sim.url, name="b"))
        async with running(chosen) as proxy:
            first = await proxy.chat("echo: my name is Bob", model="a/m", x_sim={"faults": ["finish-foreign-vocab"]})
            await proxy.chat(model="a/n", stream=True, x_sim={"faults": ["finish-foreign-vocab", "done-missing"]})
            await proxy.chat(model="b/m")
            await until(lambda: proxy.running == 0)
            document = (await proxy.ask("GET", "/trueline/faults")).json

    assert list(document) == ["since", "version", "pid", "upstreams"]
    assert document["upstreams"]["b"] == {"requests": 1, "faults": {}}
    assert document["upstreams"]["a"]["requests"] == 2
    faults = document["upstreams"]["a"]["faults"]
    assert {fault: entry["count"] for fault, entry in faults.items()} == {"finish-foreign-vocab": 2, "done-missing": 1}
    entry = faults["finish-foreign-vocab"]
    assert list(entry) == ["count", "severity", "action", "line", "models", "example"]
    assert entry["models"] == {"a/m": 1, "a/n": 1} and entry["line"].startswith("The finish reason is a word")
    assert entry["example"]["request"] == first.header("x-request-id")
    assert '"finish_reason": ' in entry["example"]["excerpt"] and "Bob" not in entry["example"]["excerpt"]
    assert "xx" in faults["done-missing"]["example"]["excerpt"]


async def test_an_error_body_is_an_example_too() -> None:
    async with SimServer() as sim, running(settings(sim.url)) as proxy:
        await proxy.chat(x_sim={"faults": ["err-detail"]})
        await until(lambda: proxy.running == 0)
        faults = (await proxy.ask("GET", "/trueline/faults")).json["upstreams"]["up"]["faults"]

    assert all('"detail"' in entry["example"]["excerpt"] for entry in faults.values()) and faults


@pytest.mark.parametrize("path", ["/metrics", "/trueline/faults"])
async def test_keys_are_demanded_where_they_are_set(path: str) -> None:
    async with SimServer() as sim, running(settings(sim.url, keys=("tl-own-0123456789",))) as proxy:
        refused = await proxy.ask("GET", path)
        wrong = await proxy.ask("GET", path, authorization="Bearer nope")
        right = await proxy.ask("GET", path, authorization="Bearer tl-own-0123456789")

    assert (refused.status, refused.error["code"]) == (401, None)
    assert (wrong.status, wrong.error["code"]) == (401, "invalid_api_key")
    assert right.status == 200


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1//chat/completions/", CHAT),
        ("/api.example.com/v1/chat/completions", CHAT),
        ("/v1/models", "/v1/models"),
        ("/v1/models/gpt-4o", "/v1/models/*"),
        ("/v1/files/file-1/content", "/v1/files/*"),
        ("/v1/whatever/1", "other"),
        ("/favicon.ico", "other"),
        ("/v1/", "other"),
    ],
)
def test_paths_are_few(path: str, label: str) -> None:
    assert path_label(path) == label


def ended(**fields: Any) -> Any:
    """An exchange that has ended."""
    client = SimpleNamespace(path="/v1/models", sent=0, header=lambda name: None)
    exchange: Exchange[Any] = Exchange(client, lambda: b"r")
    for name, value in {"status": 200, "upstream": "up", **fields}.items():
        setattr(exchange, name, value)
    return exchange


def test_model_names_are_bounded() -> None:
    metrics = Metrics()
    for number in range(MODELS + 50):
        metrics.end(ended(model=f"m{number}", faults={"id-missing": 1}))
    text = metrics.text().decode()

    assert text.count('fault="id-missing"') == MODELS + 1
    assert 'fault="id-missing",upstream="up",model="other"} 50' in text


def test_what_is_no_fault_is_no_label() -> None:
    metrics = Metrics()
    metrics.end(ended(faults={"made-up": 1}))

    assert "made-up" not in metrics.text().decode()


def test_labels_cannot_break_a_line() -> None:
    metrics = Metrics()
    metrics.end(ended(model='a"b\\c\nd\ud800', faults={"id-missing": 1}))

    line = next(line for line in metrics.text().decode().split("\n") if "id-missing" in line)
    assert SAMPLE.fullmatch(line) and 'model="a\\"b\\\\c\\nd?"' in line


def test_workers_are_told_apart() -> None:
    metrics = Metrics(workers=2)
    metrics.end(ended())

    line = next(line for line in metrics.text().decode().split("\n") if line.startswith("trueline_requests_total"))
    assert re.sub(r"\d+", "N", line) == (
        'trueline_requests_total{path="/vN/models",upstream="up",status="N",pid="N"} N'
    )


def test_rows_made_anew_say_the_same_and_count_on() -> None:
    metrics = Metrics()
    fault = "finish-foreign-vocab"
    exchange = ended(faults={fault: 2}, examples={fault: b"data: {}"})
    metrics.end(exchange)
    metrics.end(exchange)
    text, example = metrics.text(), metrics._examples["up"][fault]
    key = next(iter(metrics._faults))

    metrics.renew()

    assert metrics.text() == text
    again, renewed = next(iter(metrics._faults)), metrics._examples["up"][fault]
    assert (again, renewed) == (key, example)
    assert again is not key
    assert renewed.at is not example.at
    metrics.end(exchange)
    assert [noted.counts for noted in metrics._faults.values()] == [{fault: 6}]


@pytest.mark.parametrize("evidence", [{"examples": {"finish-foreign-vocab": b""}}, {"sample": b""}])
def test_an_example_may_be_that_nothing_was_sent(evidence: dict[str, Any]) -> None:
    metrics, fault = Metrics(), "finish-foreign-vocab"
    metrics.end(ended(faults={fault: 1}, **evidence))

    example = metrics.document()["upstreams"]["up"]["faults"][fault]["example"]
    assert (example["request"], example["excerpt"]) == ("r", "")


def test_a_model_may_have_any_name() -> None:
    metrics, fault = Metrics(), "finish-foreign-vocab"
    metrics.end(ended(faults={fault: 1}, model="\ud800"))

    assert json.dumps(metrics.document(), ensure_ascii=False).encode()


def test_an_example_is_kept_as_soon_as_there_is_one() -> None:
    metrics, fault = Metrics(), "finish-foreign-vocab"
    metrics.end(ended(faults={fault: 1}))
    assert metrics.document()["upstreams"]["up"]["faults"][fault]["example"] is None

    for shown in (b'{"id":1}', b'{"object":2}'):
        metrics.end(ended(faults={fault: 1}, examples={fault: shown}))
    metrics.end(ended(faults={fault: 1}, model="another"))

    entry = metrics.document()["upstreams"]["up"]["faults"][fault]
    assert (entry["count"], entry["models"], entry["example"]["excerpt"]) == (4, {"-": 3, "another": 1}, '{"id":1}')
