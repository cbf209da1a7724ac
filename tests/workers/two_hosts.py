"""Two hosts in network namespaces, joined by one link; on the second, folders of the first are not there."""

import os
import subprocess
from pathlib import Path

HIDE = 'for folder in $HIDDEN; do mount -t tmpfs none "$folder" || exit 1; done; exec "$@"'


class TwoHosts:
    """Host "a" is 10.77.N.1, host "b" is 10.77.N.2. Needs root and iproute2; close it."""

    def __init__(self) -> None:
        self.tag = os.getpid()
        self.addresses = {side: f"10.77.{self.tag % 250}.{number}" for side, number in (("a", 1), ("b", 2))}
        for side in self.addresses:
            _ip("netns", "add", self.name(side))
        _ip("link", "add", self._link("a"), "type", "veth", "peer", "name", self._link("b"))
        for side, address in self.addresses.items():
            _ip("link", "set", self._link(side), "netns", self.name(side))
            _ip("-n", self.name(side), "address", "add", f"{address}/24", "dev", self._link(side))
            _ip("-n", self.name(side), "link", "set", "lo", "up")
            _ip("-n", self.name(side), "link", "set", self._link(side), "up")

    def name(self, side: str) -> str:
        """The namespace of a host."""
        return f"hpsearch-{self.tag}-{side}"

    def _link(self, side: str) -> str:
        return f"hp{self.tag}{side}"

    def on(self, side: str, *command: str, hidden: tuple[Path, ...] = ()) -> list[str]:
        """What runs a command on a host, where some folders are empty."""
        inside = ["ip", "netns", "exec", self.name(side)]
        if not hidden:
            return [*inside, *command]
        folders = " ".join(str(folder) for folder in hidden)
        return [*inside, "env", f"HIDDEN={folders}", "unshare", "-m", "sh", "-c", HIDE, "sh", *command]

    def cut(self) -> None:
        """Take the link away: nothing arrives, and nobody is told."""
        _ip("-n", self.name("a"), "link", "set", self._link("a"), "down")

    def mend(self) -> None:
        """Put the link back."""
        _ip("-n", self.name("a"), "link", "set", self._link("a"), "up")

    def close(self) -> None:
        """Remove both hosts, and the link with them."""
        for side in self.addresses:
            _ip("netns", "del", self.name(side))


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
