"""Where dead letters go: a topic, local files, or a bucket."""

from pipeline.doctor import letters_bucket, letters_files, letters_topic
from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, yellow


def check(facts: Facts) -> list[Finding]:
    """Whether letters can be stored there, and who could read them."""
    topic, prefix = facts.asked.dead_letter_topic, facts.asked.dead_letter_files
    if topic:
        return letters_topic.look(topic, facts.asked.input_subscription)
    if not prefix:
        return [yellow("not looked at", "give --dead_letter_topic or --dead_letter_files")]
    if prefix.startswith(letters_bucket.SCHEME):
        return letters_bucket.look(prefix)
    if "://" in prefix:
        return [
            yellow(
                f"{prefix}: only local files and gs:// can be checked",
                "make sure that the job's account may create files there, and that nobody else "
                "may read them",
            )
        ]
    return letters_files.look(prefix)
