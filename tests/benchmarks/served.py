"""The server of the stream for the benchmarks: the test project, as many streams as are asked for."""

from __future__ import annotations

from django.conf import settings
from django.core.asgi import get_asgi_application

settings.ROOT_URLCONF = "tests.benchmarks.served_urls"
settings.DYNAMO_STREAM_LIMIT_PER_USER = 0
application = get_asgi_application()
