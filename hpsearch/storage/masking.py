"""Storage URLs as they may be shown: without what is secret in them. May import the standard library."""

import contextlib
import re
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_SECRET = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)


def shown(url: str) -> str:
    """Return the URL with `***` for its password and for what is secret in its options.

    >>> shown("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    """
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    if scheme == "sqlite" and rest.startswith("/"):
        return url
    user, at, place = rest.rpartition("@")  # an @ that belongs to a password is hidden with it
    if at and separator:
        place = f"{user.partition(':')[0]}{':***' if ':' in user else ''}@{place}"
    elif at:  # a mistyped URL, as postgresql:/me:secret@host/db, or a file's name
        place = f"{'***' if ':' in user else user}@{place}"
    place, question, given = place.partition("?")
    options = [(key, "***" if _SECRET.search(key) else value) for key, value in parse_qsl(given, True)]
    return f"{scheme}{separator}{place}{question}{urlencode(options, safe='*/:')}"


def secrets(url: str) -> set[str]:
    """Return what `shown` hides of a URL, as it is written there and as it is meant.

    >>> sorted(secrets("postgresql://me:a%3Ab@host/db?sslpassword=c"))
    ['a%3Ab', 'a:b', 'c']
    """
    _, _, rest = url.partition("://")
    found = [rest.rpartition("@")[0].partition(":")[2]]  # as SQLAlchemy reads it: it may contain a slash
    with contextlib.suppress(ValueError):
        found.append(urlsplit(url).password or "")  # an @ may also belong to an option
    options = (each.partition("=") for each in re.split("[?&]", rest))
    found += [value for key, _, value in options if _SECRET.search(key)]
    return {text for each in found if each for text in (each, unquote(each))}
