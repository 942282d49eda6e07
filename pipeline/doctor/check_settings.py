"""The settings file: every problem of it is a finding."""

from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, green, red, yellow
from pipeline.settings import Problem, SettingsError


def check(facts: Facts) -> list[Finding]:
    """Whether the file can be read and is right."""
    if isinstance(facts.settings, SettingsError):
        return [_finding(problem, facts.asked.settings) for problem in facts.settings.problems]
    if facts.settings.status == "disabled":
        return [
            yellow(
                f"{facts.asked.settings} says status: disabled, so a job reads nothing",
                "set status: enabled",
            )
        ]
    return [green(f"{facts.asked.settings} is right")]


def _finding(problem: Problem, path: str) -> Finding:
    line = "" if problem.line is None else f" line {problem.line},"
    found = f"{problem.key}: {problem.found}" if problem.key else problem.found
    allowed = f"allowed: {problem.allowed}" if problem.allowed else ""
    hint = problem.hint or ""
    between = "" if not (hint and allowed) else " " if hint.endswith("?") else "; "
    return red(f"{path},{line} {found}", f"{hint}{between}{allowed}" or "correct it")
