"""Messages between two processes of ours on one machine, over a pipe. May import the standard library."""

import os
import struct
from typing import IO

HEAD = struct.Struct(">Q")
"""Before each message: its length in bytes."""

BEGUN = b""
"""The message that a call begins, which its reply follows."""


def send(stream: IO[bytes], content: bytes) -> None:
    """Write a message."""
    stream.write(HEAD.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """The next message; None at the stream's end. The stream may have no buffer, so that it can be waited for."""
    head = _read(stream, HEAD.size)
    return None if head is None else _read(stream, HEAD.unpack(head)[0])


def _read(stream: IO[bytes], size: int) -> bytes | None:
    """So many bytes, or None where the stream ends before."""
    parts: list[bytes] = []
    while size > 0:
        if not (part := stream.read(size)):
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def own_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Reserve this process's standard input and output for messages: other code reads nothing, and prints to standard
    error.
    """
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return incoming, outgoing
