"""Messages between two processes of ours on one machine, over a pipe. May import the standard library."""

import os
import struct
from typing import IO

HEAD = struct.Struct(">Q")
"""Before each message: its length in bytes."""


def send(stream: IO[bytes], content: bytes) -> None:
    """Write a message."""
    stream.write(HEAD.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """The next message; None at the stream's end."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None


def own_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Reserve this process's standard input and output for messages: other code reads nothing, and prints to standard
    error.
    """
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return incoming, outgoing
