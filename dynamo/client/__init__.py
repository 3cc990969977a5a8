"""Follow the schema of another project: `dynamo.subscribe(url, token=..., after=...)`. No Django is needed.

    for event in dynamo.subscribe("https://example.org/dynamo/events/", token=token, place="place.txt"):
        print(event.position, event.event, event.model, event.field)

`async for` does the same without blocking; who leaves it early closes it, as with
`contextlib.aclosing(aiter(subscription))`. Needs httpx and httpx-sse, which the extra `client` installs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike

from dynamo.client.events import StreamEvent
from dynamo.client.following import Following, Token
from dynamo.client.places import place_of
from dynamo.client.subscription import Subscription
from events.exceptions import StreamRefused, StreamReset

__all__ = ["StreamEvent", "StreamRefused", "StreamReset", "Subscription", "subscribe"]

QUIET: float = 60.0


def subscribe(
    url: str,
    *,
    token: Token | None = None,
    after: int | None = None,
    place: str | PathLike[str] | Callable[[int], object] | None = None,
    models: str | Iterable[str] = (),
    kinds: str | Iterable[str] = (),
    quiet: float = QUIET,
) -> Subscription:
    """Schema events as they are recorded, each once and in order, for as long as it is iterated.

    url     the stream, such as https://example.org/dynamo/events/
    token   what `manage.py dynamo token` printed, or a function that gets a new one for each connection
    after   the position to go on from: 0 for all history, None for what comes from now on
    place   a file that keeps the position between runs, or a function that is given each position. It is
            kept when the next event is asked for: what was not done with is there again after a crash.
    models  labels such as "shop.Book", or one of them; all models without them
    kinds   types such as "field.added", signals such as "post_field_creation", or one; all without them
    quiet   seconds without a word from the server after which the connection counts as lost

    Lost connections and busy servers are waited for, without end; each time the logger "dynamo.client" warns
    of it. Raises ValueError for an address that is none, StreamRefused when the server says that this will
    never be answered, and StreamReset when the log ends before the position, as after a restored backup.
    """
    following = Following(
        url=url, token=token, place=place_of(place, after), models=_names(models), kinds=_names(kinds)
    )
    return Subscription(following, quiet)


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    """A text alone is one name, not its letters."""
    return (given,) if isinstance(given, str) else tuple(given)
