"""Storage URLs as they may be shown: without what is secret in them. May import the standard library."""

import re
from urllib.parse import parse_qsl, urlencode

_SECRET = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)


def shown(url: str) -> str:
    """Return the URL with `***` for its password and for what is secret in its options.

    >>> shown("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme == "sqlite":
        return url
    user, at, place = rest.rpartition("@")  # an @ that belongs to a password is hidden with it
    if at:
        place = f"{user.partition(':')[0]}{':***' if ':' in user else ''}@{place}"
    place, question, given = place.partition("?")
    options = [(key, "***" if _SECRET.search(key) else value) for key, value in parse_qsl(given, True)]
    return f"{scheme}://{place}{question}{urlencode(options, safe='*/:')}"
