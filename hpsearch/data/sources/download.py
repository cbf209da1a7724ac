"""Downloads an archive, checks and unpacks it, completely or not at all. Imports pooch only when used."""

import gzip
import os
import shutil
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

from hpsearch.data.disk import remove_stale
from hpsearch.data.sources.cifar10 import Layout, read_layout
from hpsearch.errors import DataError

_PREFIX = ".fetching-"


def fetch_layout(layout: Layout, directory: Path, base: str, *, progress: bool) -> Path:
    """Download `layout` from `base` into `directory` and return its folder there.

    All work is done in a temporary folder; only files that were read successfully are moved out of it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        remove_stale(directory, f"{_PREFIX}*")
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=directory, ignore_cleanup_errors=True) as temporary:
            archive = Path(temporary) / layout.archive
            _download(f"{base.rstrip('/')}/{layout.archive}", archive, layout.md5, progress=progress)
            unpacked = _unpack(archive, layout, Path(temporary) / layout.folder)
            read_layout(layout, unpacked)
            return _install(unpacked, directory / layout.folder)
    except OSError as error:
        raise DataError(f"{directory}: cannot be written: {error.strerror or error}") from error


def _download(url: str, archive: Path, md5: str, *, progress: bool) -> None:
    import pooch

    downloader = pooch.HTTPDownloader(progressbar=_Percentage() if progress else False, chunk_size=2**16, timeout=30)
    try:
        downloader(url, str(archive), None)
    except ValueError as error:
        raise DataError(f"{url}: cannot be downloaded: not an address") from error
    except OSError as error:
        if error.errno is not None:
            raise  # an error of the disk; those of the network are OSErrors too, but have no number
        raise DataError(f"{url}: cannot be downloaded: {_reason(error)}") from error
    got = pooch.file_hash(str(archive), alg="md5")
    if got != md5:
        raise DataError(f"{url}: the archive's MD5 must be {md5}, as published, got {got}; nothing of it was kept")


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    return f"no answer, or an incomplete one ({type(error).__name__})"


def _unpack(archive: Path, layout: Layout, folder: Path) -> Path:
    """Copy the layout's files, and no others, out of the archive. Paths and links in it are never followed."""
    folder.mkdir()
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for name in layout.files:
                content = tar.extractfile(f"{layout.folder}/{name}")
                if content is None:
                    raise KeyError(name)
                with content, (folder / name).open("wb") as file:
                    shutil.copyfileobj(content, file, 2**20)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{layout.archive}: not a complete .tar.gz archive") from error
    except KeyError as error:
        raise DataError(f"{layout.archive}: the archive must hold {layout.folder}/{name}, and does not") from error
    return folder


def _install(unpacked: Path, folder: Path) -> Path:
    """Move the unpacked files to `folder`: at once if it is new, else one by one in place of damaged ones."""
    if not folder.exists():
        unpacked.rename(folder)
        return folder
    for path in unpacked.iterdir():
        os.replace(path, folder / path.name)
    return folder


class _Percentage:
    """A progress bar as pooch expects it: attribute `total` and three methods, in bytes."""

    total = 0
    _done = 0
    _shown = -1

    def update(self, size: int) -> None:
        self._done += size
        percent = min(100, 100 * self._done // self.total) if self.total else 0
        if percent != self._shown:
            self._shown = percent
            print(f"{percent:3d}% of {self.total / 1e6:.0f} MB", end="\r", file=sys.stderr, flush=True)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        print(file=sys.stderr)
