"""How much of everything: a run for the page, and a quick one to look at."""

from msgspec import Struct


class Sizes(Struct, frozen=True, kw_only=True):
    """Counts of records unless it says otherwise; times in seconds."""

    warm: int = 2_000
    core: int
    core_pairs: int
    """Runs of core and of floor, in turn."""
    streaming: int
    streaming_beam: int
    """For Beam's own source, which is slower by far."""
    streaming_runs: int
    distance: int
    distance_runs: int
    latency_s: float
    """At each rate."""
    latency_rates: tuple[int, ...] = (5, 50, 400, 1_500)
    """Records a second."""
    growth: tuple[int, ...]
    """From small to large."""
    growth_runs: int
    growth_backlogs: tuple[int, ...]
    """Waiting in Pub/Sub, from small to large."""
    growth_usual: int
    """One of `growth`, which other kinds of records are compared with."""
    growth_bytes: dict[int, int]
    """Bytes a record -> records."""
    budget_s: float
    budget_refused_s: float
    budget_after_s: float
    """Watched after the last 429."""
    peers_core: int
    peers_v1: int
    peers_v2: int
    peers_beam: int
    peers_runs: int
    start: int
    """Waiting when the program starts."""
    start_runs: int


FULL = Sizes(
    core=100_000,
    core_pairs=5,
    streaming=100_000,
    streaming_beam=500,
    streaming_runs=3,
    distance=240_000,
    distance_runs=2,
    latency_s=15.0,
    growth=(10_000, 100_000, 1_000_000),
    growth_runs=2,
    growth_backlogs=(100_000, 1_000_000),
    growth_usual=100_000,
    growth_bytes={400: 100_000, 16_000: 10_000, 90_000: 2_000},
    budget_s=60.0,
    budget_refused_s=10.0,
    budget_after_s=20.0,
    peers_core=50_000,
    peers_v1=2_000,
    peers_v2=20_000,
    peers_beam=20_000,
    peers_runs=3,
    start=20_000,
    start_runs=3,
)
QUICK = Sizes(
    core=20_000,
    core_pairs=2,
    streaming=20_000,
    streaming_beam=200,
    streaming_runs=1,
    distance=20_000,
    distance_runs=1,
    latency_s=2.0,
    growth=(10_000, 50_000),
    growth_runs=1,
    growth_backlogs=(10_000,),
    growth_usual=10_000,
    growth_bytes={400: 5_000, 90_000: 50},
    budget_s=3.0,
    budget_refused_s=1.5,
    budget_after_s=1.0,
    peers_core=10_000,
    peers_v1=200,
    peers_v2=5_000,
    peers_beam=5_000,
    peers_runs=1,
    start=5_000,
    start_runs=1,
)
