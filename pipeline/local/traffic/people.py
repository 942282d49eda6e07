"""The invented people of an invented company's product. All addresses are of example.com."""

import uuid
from random import Random
from typing import Any, NamedTuple

from pipeline.local.traffic.clients import BROWSERS, PHONES, Client

HOW_MANY = 400
HOUR = 3600.0
LONGEST_SESSION = 1800.0
# Nothing is younger than this, so that uploads of it are not in the future.
YOUNGEST = 5.0

FIRST_NAMES = (
    *("Ada", "Bruno", "Chiara", "Dmitri", "Emeka", "Fatima", "Goran", "Hana", "Inés", "Jürgen"),
    *("Keiko", "Lena", "Mateo", "Nour", "Oona", "Pavel", "Quinn", "Rosa", "Søren", "Tuğba"),
)
LAST_NAMES = (
    *("Abbott", "Bianchi", "Castro", "Dvořák", "Eriksen", "Fischer", "Garcia", "Haddad"),
    *("Ito", "Jansen", "Kovač", "Lindqvist", "Moreau", "Nowak", "Okafor", "Petrov"),
)
COMPANIES = tuple(
    f"Example {name}"
    for name in ("Bakery", "Cycles", "Dental", "Energy", "Freight", "Garden", "Hotels", "Press")
)
PLANS = ("free", "pro", "team", "enterprise")
ROLES = ("owner", "admin", "member", "viewer")
PLACES = (
    ("Germany", "Berlin", "Berlin", "German"),
    ("France", "Île-de-France", "Paris", "French"),
    ("United States", "Oregon", "Portland", "English"),
    ("Japan", "Tokyo", "Tokyo", "Japanese"),
    ("Brazil", "São Paulo", "São Paulo", "Portuguese"),
)
INITIAL = dict.fromkeys(
    (
        *("initial_utm_campaign", "initial_utm_content", "initial_utm_medium"),
        *("initial_utm_source", "initial_utm_term", "initial_referring_domain"),
    ),
    "EMPTY",
)


class Person(NamedTuple):
    """Somebody who uses the product; has one session within the last hour (Unix seconds)."""

    number: int
    user_id: str | int
    first_name: str
    last_name: str
    email: str
    company: str
    plan: str
    role: str
    seats: int
    country: str
    region: str
    city: str
    language: str
    client: Client
    device_id: str
    session_start: float
    session_end: float

    def properties(self) -> dict[str, Any]:
        """Return the user properties that Amplitude knows, in all JSON types."""
        return {
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "company": self.company,
            "plan": self.plan,
            "role": self.role,
            "seats": self.seats,
            "lifetime_value": self.seats * 12.5,
            "beta": self.number % 3 == 0,
            "tags": ["trial", "newsletter"][: self.number % 3],
            "address": {"city": self.city, "country": self.country},
            "signed_up_at": f"2025-{self.number % 12 + 1:02}-{self.number % 28 + 1:02}T08:30:00Z",
        }


def make_people(rng: Random, now: float) -> tuple[Person, ...]:
    """Return HOW_MANY people; most have ids like user-000123, see `_user_id` for the others."""
    return tuple(_make_person(rng, number, now) for number in range(HOW_MANY))


def _make_person(rng: Random, number: int, now: float) -> Person:
    first_name, last_name = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    email = f"person{number:03}@example.com"
    country, region, city, language = rng.choice(PLACES)
    session_start = now - HOUR + rng.uniform(1, HOUR - 60)
    return Person(
        number=number,
        user_id=_user_id(number, email),
        first_name=first_name,
        last_name=last_name,
        email=email,
        company=rng.choice(COMPANIES),
        plan=rng.choice(PLANS),
        role=rng.choice(ROLES),
        seats=rng.randint(1, 60),
        country=country,
        region=region,
        city=city,
        language=language,
        client=rng.choice(BROWSERS if rng.random() < 0.7 else PHONES),
        device_id=random_uuid(rng),
        session_start=session_start,
        session_end=min(session_start + LONGEST_SESSION, now - YOUNGEST),
    )


def _user_id(number: int, email: str) -> str | int:
    """One in twenty each: an e-mail address, an id of Customer.io, a bare number."""
    match number % 20:
        case 3:
            return email
        case 7:
            return f"cio_a3{number:010x}"
        case 11:
            return 700_000 + number
    return f"user-{number:06}"


def random_uuid(rng: Random) -> str:
    """Return a UUID out of the generator, as text."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
