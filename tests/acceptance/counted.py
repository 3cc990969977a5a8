"""The site of the tests, with one more address: how many objects of each type its process holds.

Its resident memory says less: the allocator keeps what it once had, more or less of it each time.
"""

from __future__ import annotations

import gc
import json
from collections import Counter

from tests.acceptance.asgi import application as site


def objects() -> Counter[str]:
    gc.collect()
    return Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())


async def application(scope, receive, send):
    if scope["path"] != "/objects/":
        await site(scope, receive, send)
        return
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(objects()).encode()})
