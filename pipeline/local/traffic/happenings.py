"""What people do in the product: event names and their properties."""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from pipeline.local.traffic.people import PLANS, ROLES, Person

Properties = dict[str, Any]

PAGES = ("projects", "reports", "billing", "team", "integrations")
SITE = "https://app.example.com"


class Happening(NamedTuple):
    """One kind of event; `weight` is how often it happens, `place` where it is seen."""

    name: str
    weight: int
    properties: Callable[[Random, Person], Properties]
    place: str = "app"  # app | web | phone | server


def _nothing(_rng: Random, _person: Person) -> Properties:
    return {}


def _page(rng: Random, _person: Person) -> Properties:
    page = rng.choice(PAGES)
    return {
        "[Amplitude] Page Domain": "app.example.com",
        "[Amplitude] Page Location": f"{SITE}/{page}?tab={rng.randint(1, 4)}",
        "[Amplitude] Page Path": f"/{page}",
        "[Amplitude] Page Title": f"{page.title()} – Example ✓",
        "[Amplitude] Page URL": f"{SITE}/{page}",
        "[Amplitude] Page Counter": rng.randint(1, 30),
        "referrer": rng.choice([None, "https://www.example.org/"]),
    }


def _click(rng: Random, _person: Person) -> Properties:
    text = rng.choice(["Save", "Export", "Invite", "Next"])
    return {
        "[Amplitude] Element Tag": "button",
        "[Amplitude] Element Text": text,
        "[Amplitude] Element ID": text.lower(),
        "[Amplitude] Element Position Left": rng.randint(0, 1200),
        "[Amplitude] Element Position Top": rng.randint(0, 900),
        "[Amplitude] Element Hierarchy": [
            {"tag": "button", "id": text.lower(), "index": 0},
            {"tag": "div", "classes": ["row"], "index": rng.randint(1, 5)},
        ],
    }


def _screen(rng: Random, _person: Person) -> Properties:
    return {"[Amplitude] Screen Name": rng.choice(["Home", "Inbox", "Report", "Settings"])}


def _signed_up(rng: Random, person: Person) -> Properties:
    return {
        "method": rng.choice(["password", "google", "sso"]),
        "company": person.company,
        "newsletter": rng.random() < 0.5,
        "invited_by": None,
    }


def _project_created(rng: Random, _person: Person) -> Properties:
    return {
        "project_id": f"prj-{rng.randint(1, 9999):04}",
        "template": rng.choice(["blank", "kanban", "roadmap"]),
        "private": rng.random() < 0.3,
        "tags": rng.sample(["q1", "q2", "design", "launch", "ops"], k=rng.randint(0, 3)),
    }


def _report_exported(rng: Random, _person: Person) -> Properties:
    return {
        "format": rng.choice(["csv", "pdf", "xlsx"]),
        "rows": rng.randint(1, 200_000),
        "seconds": round(rng.uniform(0.1, 30.0), 3),
        "ok": rng.random() < 0.97,
        "filters": {"from": "2026-01-01", "owners": ["me"], "archived": False},
    }


def _invoice_paid(rng: Random, person: Person) -> Properties:
    lines: list[Properties] = [
        {"sku": sku, "quantity": rng.randint(1, person.seats), "unit_price": 12.5}
        for sku in ("seat", "storage")[: rng.randint(1, 2)]
    ]
    return {
        "invoice": f"INV-{rng.randint(1, 99_999):05}",
        "amount": sum(line["quantity"] * line["unit_price"] for line in lines),
        "currency": rng.choice(["EUR", "USD", "JPY"]),
        "lines": lines,
        "environment": "production",
    }


def _plan_upgraded(rng: Random, person: Person) -> Properties:
    return {"from": person.plan, "to": rng.choice(PLANS), "seats": person.seats, "annual": True}


def _teammate_invited(rng: Random, _person: Person) -> Properties:
    return {"role": rng.choice(ROLES), "invitees": rng.randint(1, 5), "message": rng.random() < 0.4}


def _search(rng: Random, _person: Person) -> Properties:
    return {
        "query": rng.choice(["budget", "läuft?", "予算", "q3 plan"]),
        "hits": rng.randint(0, 80),
    }


def _revenue(rng: Random, _person: Person) -> Properties:
    quantity = rng.randint(1, 4)
    return {
        "$price": 9.5,
        "$quantity": quantity,
        "$revenue": 9.5 * quantity,
        "$productId": f"sku-{rng.randint(1, 9)}",
        "$revenueType": "purchase",
        "$currency": "EUR",
    }


def _exposure(rng: Random, _person: Person) -> Properties:
    return {
        "[Experiment] Flag Key": rng.choice(["new-nav", "short-signup"]),
        "[Experiment] Variant": rng.choice(["control", "treatment"]),
    }


def _import_finished(rng: Random, _person: Person) -> Properties:
    failed = rng.randint(0, 3)
    return {
        "source": rng.choice(["csv", "api"]),
        "rows": rng.randint(10, 5_000_000),
        "failed": failed,
        "errors": [{"line": rng.randint(1, 999), "code": "E42"} for _ in range(failed)],
        "environment": "production",
    }


SESSION_START = "session_start"
SESSION_END = "session_end"
HAPPENINGS = (
    Happening(SESSION_START, 8, _nothing),
    Happening(SESSION_END, 6, _nothing),
    Happening("[Amplitude] Page Viewed", 20, _page, "web"),
    Happening("[Amplitude] Element Clicked", 12, _click, "web"),
    Happening("[Amplitude] Screen Viewed", 20, _screen, "phone"),
    Happening("Signed Up", 3, _signed_up),
    Happening("Project Created", 6, _project_created),
    Happening("Report Exported", 8, _report_exported),
    Happening("Teammate Invited", 5, _teammate_invited),
    Happening("Plan Upgraded", 3, _plan_upgraded),
    Happening("Search Performed", 6, _search),
    Happening("revenue_amount", 3, _revenue),
    Happening("[Experiment] Exposure", 4, _exposure),
    Happening("Invoice Paid", 6, _invoice_paid, "server"),
    Happening("Import Finished", 4, _import_finished, "server"),
)
SEEN_IN_BROWSERS = tuple(each for each in HAPPENINGS if each.place != "phone")
SEEN_ON_PHONES = tuple(each for each in HAPPENINGS if each.place != "web")


def choose(rng: Random, person: Person) -> Happening:
    """Return something that the person could have done with the client that they have."""
    seen = SEEN_IN_BROWSERS if person.client.is_web else SEEN_ON_PHONES
    return rng.choices(seen, weights=[each.weight for each in seen])[0]
