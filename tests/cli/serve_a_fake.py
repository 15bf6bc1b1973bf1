"""`trueline` with an application that only says what it was given: run as a script, also by uvicorn's workers."""

from __future__ import annotations

import json
import os
import sys
import types
from typing import Any


def create_app(settings: Any, *, own_process: bool) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        upstreams = {u.name: [u.url, u.key.reveal() if u.key else None, u.demo] for u in settings.upstreams.values()}
        body = json.dumps({"pid": os.getpid(), "upstreams": upstreams, "keys": len(settings.keys)}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": body})

    async def lifespan(receive: Any, send: Any) -> None:
        await receive()
        failed = os.environ.get("FAKE_STARTUP_FAILS")
        await send({"type": "lifespan.startup.failed" if failed else "lifespan.startup.complete"})
        await receive()
        sys.stdout.write("application stopped\n")
        sys.stdout.flush()
        await send({"type": "lifespan.shutdown.complete"})

    return app


fake = types.ModuleType("trueline.shell.app")
fake.create_app = create_app  # type: ignore[attr-defined]
sys.modules["trueline.shell.app"] = fake

if __name__ == "__main__":
    from trueline.cli import main

    sys.exit(main())
