"""PromQL over what Cloud Monitoring has of a job and its subscription.

Dataflow exports a Beam counter as a gauge of doubles, so `rate` and `increase` do not apply to it,
and a series begins with the first value that was counted, not with 0. `growth` minds both.
"""

from typing import Final, NamedTuple

from transforms.metrics import METRICS

_USER_COUNTER: Final = "dataflow_googleapis_com:job_user_counter"
_LISTED: Final = {metric.name: metric for metric in METRICS}
OF_A_DISTRIBUTION: Final = ("COUNT", "MAX", "MEAN", "MIN")
"""What Dataflow exports of a distribution NAME: NAME_COUNT and so on; never a percentile."""


class Watched(NamedTuple):
    """What the files watch, by the names that it has in Google Cloud."""

    job: str = "amplitude-to-customerio"
    """The Dataflow job's name; updates and restarts under that name belong to it."""
    subscription: str = "amplitude-records"
    """The id of the subscription that the job reads."""

    @property
    def undelivered(self) -> str:
        """The subscription on the topic where Pub/Sub puts what it could not deliver."""
        return f"{self.subscription}-undelivered"


def exported(name: str, part: str = "") -> str:
    """The name that Dataflow gives a metric, or the `part` of a distribution.

    Raises KeyError for a metric that the pipeline does not export.
    """
    if _LISTED[name].kind == "counter":
        return name
    return f"{name}_{OF_A_DISTRIBUTION[OF_A_DISTRIBUTION.index(part)]}"


def values(watched: Watched, *names: str) -> str:
    """The values since the start of the job; `names` are `exported` ones."""
    match = f'="{names[0]}"'
    if len(names) > 1:
        match = '=~"' + "|".join(name.replace(".", "[.]") for name in names) + '"'
    return (
        f'{_USER_COUNTER}{{monitored_resource="dataflow_job",job_name="{watched.job}",'
        f"metric_name{match}}}"
    )


def growth(watched: Watched, *names: str, window: str) -> str:
    """By how much counters have grown in a window such as "10m", all of them together."""
    now = f"sum by (job_id) ({values(watched, *names)})"
    before = f"sum by (job_id) ({values(watched, *names)} offset {window})"
    return f"sum({now} - ({before} or 0 * {now}))"


def job_value(watched: Watched, name: str) -> str:
    """One of Dataflow's own metrics of the job, `name` as behind dataflow.googleapis.com/job/."""
    return (
        f'max(dataflow_googleapis_com:job_{name}{{monitored_resource="dataflow_job",'
        f'job_name="{watched.job}"}})'
    )


def subscription_value(subscription: str, name: str) -> str:
    """One of Pub/Sub's metrics, `name` as behind pubsub.googleapis.com/subscription/."""
    return (
        f"max(pubsub_googleapis_com:subscription_{name}"
        f'{{monitored_resource="pubsub_subscription",subscription_id="{subscription}"}})'
    )
