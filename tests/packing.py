"""Items packed into requests, all at once."""

from collections.abc import Iterable

from transforms.sink.batch import Packer, Pending, Request


def pack(pendings: Iterable[Pending], *, max_items: int, max_bytes: int) -> list[Request]:
    """The requests for some items, none of which waits for more."""
    packer = Packer(max_items=max_items, max_bytes=max_bytes)
    return [*packer.pack(pendings), *packer.rest()]
