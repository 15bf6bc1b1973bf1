"""Judge Trueline from outside: `_conformance.py [sdk] [corpus]`.  Exit code 1 if it fell short.

sdk     openai-python's own API tests against the reference server of ../shared, directly and through Trueline: nothing
        may fail only through Trueline, and no fault may be noted on the replies of a server that makes none.
corpus  the recorded replies of ../shared/corpus, replayed through a running Trueline by ../shared/play.py.

The SDK's tests come from its source distribution, by pip, into .conformance/ with a virtual environment of their own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from _setup import make_venv, run

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
WORK = ROOT / ".conformance"
SECONDS = 60

SDK_TESTS = (
    "chat/test_completions",
    "test_images",
    "test_embeddings",
    "test_models",
    "test_completions",
    "test_moderations",
)
SDK_CHOICE = "create or list or generate or edit or variation or retrieve"
# What openai-python's tests import; its own list also holds linters and cloud SDKs.
SDK_NEEDS = ("pytest>=9", "pytest-asyncio>=1.4", "pytest-xdist>=3.6", "rich>=13.7", "inline-snapshot>=0.28")

# Recordings in OpenAI's dialect -> the share that must be right, and the verdicts that none may get.
CORPORA: dict[str, tuple[float, frozenset[str]]] = {
    "chat.jsonl.gz": (98.0, frozenset({"invented", "crash", "altered"})),
    "images.jsonl.gz": (100.0, frozenset()),
}


def main() -> int:
    """Run what was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/conformance", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", nargs="*", choices=["sdk", "corpus", []], help="default: both")
    parts = parser.parse_args().part or ["sdk", "corpus"]
    if not SHARED.is_dir():
        print(f"conformance: {SHARED} is not there; it holds the reference server and the recordings. Nothing to do.")
        return 1
    good = True
    if "sdk" in parts:
        good &= judge_by_sdk()
    if "corpus" in parts:
        good &= all([judge_by_corpus(name, share, never) for name, (share, never) in CORPORA.items()])
    print("conformance:", "good" if good else "FELL SHORT")
    return 0 if good else 1


# -- the SDK's own tests ----------------------------------------------------------------------------------------------


OF_NO_FORMS = ("img-stream-events:1", "usage-missing-stream:1")
"""The reference server reads no forms: it answers the SDK's streamed edit, which is one, with one JSON object."""


def judge_by_sdk() -> bool:
    """Run the SDK's tests twice and compare."""
    source, python = sdk_source()
    with gold_server() as gold, trueline(f"{gold}/v1") as (url, log):
        directly = sdk_failures(source, python, f"{gold}/v1")
        through = sdk_failures(source, python, url)
        repairs = re.findall(r" faults=(\S+)", log.read_text())
    print(f"{source.name}, tests of {', '.join(SDK_TESTS)}:")
    print(f"  reference server directly: {summary(directly)}")
    print(f"  through Trueline:          {summary(through)}")
    worse = sorted(name for name, failed in through.items() if failed and not directly.get(name, True))
    missing = sorted(set(directly) - set(through))
    print(f"  fail only through Trueline: {len(worse)}", *worse, sep="\n    ")
    noted = sorted({fault for each in repairs for fault in each.split(",")} - {"-", *OF_NO_FORMS})
    print(f"  faults noted on the reference server's {len(repairs)} replies: {', '.join(noted) or 'none'}")
    return not (worse or missing or noted) and bool(through and repairs)


def summary(results: dict[str, bool]) -> str:
    failed = sum(results.values())
    return f"{len(results) - failed} pass, {failed} fail"


def sdk_source() -> tuple[Path, Path]:
    """The unpacked source distribution of the newest openai-python, and a Python that has what its tests need."""
    WORK.mkdir(exist_ok=True)
    pip = make_venv(WORK / "venv")
    with tempfile.TemporaryDirectory(dir=WORK) as fresh:
        print("conformance: getting openai-python …", flush=True)
        run([*pip, "download", "-qq", "--no-binary", "openai", "--no-deps", "-d", fresh, "openai"])
        [archive] = Path(fresh).glob("openai-*.tar.gz")
        source = WORK / archive.name.removesuffix(".tar.gz")
        if not (source / "ready").exists():
            run([*pip, "install", "-qq", f"{archive}[aiohttp]", *SDK_NEEDS])
            with tarfile.open(archive) as packed:
                packed.extractall(WORK, filter="data")
            (source / "ready").touch()
    return source, WORK / "venv/bin/python"


def sdk_failures(source: Path, python: Path, url: str) -> dict[str, bool]:
    """Test -> whether it failed."""
    report = WORK / "report.xml"
    report.unlink(missing_ok=True)
    files = [f"tests/api_resources/{name}.py" for name in SDK_TESTS]
    options = ["-n0", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", f"--junitxml={report}"]
    environment = {**plain_environment(), "TEST_API_BASE_URL": url}
    command = [str(python), "-m", "pytest", *options, *files, "-k", SDK_CHOICE]
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True)
    if not report.exists():
        sys.exit(f"conformance: the SDK's tests did not run:\n{done.stdout}\n{done.stderr}")
    cases = ElementTree.parse(report).iter("testcase")
    return {
        f"{case.get('classname')}::{case.get('name')}": any(part.tag in ("failure", "error") for part in case)
        for case in cases
        if case.find("skipped") is None
    }


# -- the recordings ---------------------------------------------------------------------------------------------------


def judge_by_corpus(name: str, share: float, never: frozenset[str]) -> bool:
    """Replay one file of recordings; the replay is the upstream, on a port that is free now."""
    port = free_port()
    with trueline(f"http://127.0.0.1:{port}/v1") as (url, _):
        command = [sys.executable, "play.py", f"corpus/{name}", "--url", url, "--port", str(port), "-v"]
        done = subprocess.run(command, cwd=SHARED, env=plain_environment(), capture_output=True, text=True)
    last = done.stdout.strip().splitlines()[-1:]
    found = re.match(r"(\d+)/(\d+) = ([\d.]+)% right; (.*)", last[0]) if last else None
    if found is None:
        print(f"{name}: the replay failed\n{done.stdout}\n{done.stderr}")
        return False
    print(f"{name}: {last[0]}")
    good = float(found[3]) >= share and not any(f"'{verdict}'" in found[4] for verdict in never)
    if not good:
        print(done.stdout)
    return good


# -- processes --------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def gold_server() -> Iterator[str]:
    """The reference server of ../shared; its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, str(SHARED / "spec/gold_server.py"), str(port)])
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


@contextlib.contextmanager
def trueline(upstream: str) -> Iterator[tuple[str, Path]]:
    """A running proxy: its base URL and its log."""
    port = free_port()
    WORK.mkdir(exist_ok=True)
    log = WORK / "trueline.log"
    command = [sys.executable, "-m", "trueline", "serve", "--port", str(port), "--upstream", upstream]
    with log.open("w") as lines, tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            command, cwd=folder, env=plain_environment(), stdout=subprocess.DEVNULL, stderr=lines
        )
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}/v1", log
        finally:
            end(process)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until something listens.  Exits if it does not come to that."""
    for _ in range(SECONDS * 10):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    sys.exit(f"conformance: {process.args!r} does not listen on port {port}")


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS)
    process.kill()
    process.wait()


def plain_environment() -> dict[str, str]:
    """This environment without what would change somebody's mind."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRUELINE_", "OPENAI_"))}
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    return {k: v for k, v in kept.items() if k.lower() not in proxies}


if __name__ == "__main__":
    sys.exit(main())
