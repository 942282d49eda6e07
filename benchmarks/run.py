"""What a process that delivers, or does a part of it, says of its run."""

from msgspec import Struct


class Run(Struct, frozen=True):
    """One run, from the first record that was read to the end of the pipeline."""

    seconds: float
    cpu_s: float
    """Of all threads of the process."""
    peak_mib: float
    """Resident memory, of the whole process and its warm-up too."""
