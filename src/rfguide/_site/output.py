"""All that a page's code writes, whoever writes it: print, os.write, C, a process that the code starts."""

import ctypes
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile


@contextmanager
def written_to(name: str) -> Iterator[list[str]]:
    r"""Take what goes to the file descriptor below `sys.stdout` or `sys.stderr`; at the end it is in the list.

    Examples:
        >>> import os
        >>> from rfguide._site.output import written_to
        >>> with written_to("stdout") as taken:
        ...     print("one")
        ...     _ = os.write(1, b"two")
        >>> taken
        ['one\ntwo']
    """
    taken: list[str] = []
    fd, stream = {"stdout": 1, "stderr": 2}[name], getattr(sys, name)
    stream.flush()
    kept = os.dup(fd)
    with TemporaryFile() as file:
        os.dup2(file.fileno(), fd)
        # Never closed: what the page keeps of it, such as a handler of logging, goes on to write to the descriptor.
        raw = io.FileIO(fd, "w", closefd=False)
        setattr(sys, name, io.TextIOWrapper(raw, encoding="utf-8", write_through=True))
        try:
            yield taken
        finally:
            getattr(sys, name).flush()
            setattr(sys, name, stream)
            if os.name == "posix":
                ctypes.CDLL(None).fflush(None)  # C has a buffer of its own
            os.dup2(kept, fd)
            os.close(kept)
            file.seek(0)
            taken.append(file.read().decode("utf-8", "replace"))
