"""The searches: lists of conditions, all of which must hold, with constants drawn from the data."""

import json
import random
import re
from datetime import datetime, timedelta, timezone

# The zone of the workspace has no daylight saving, so that a day is easy to give to every system.
ZONE, OFFSET = "Africa/Kigali", timezone(timedelta(hours=2))
UNSET = ["language", "plan", "crop", "education", "facility", "notes", "consent"]


def day_start(day):
    return datetime.fromisoformat(day).replace(tzinfo=OFFSET).astimezone(timezone.utc)


def text_of_query(conditions):
    """In headcount's language."""

    def one(condition):
        kind, key, *rest = condition
        quoted = lambda value: '"' + str(value).replace('"', '\\"') + '"'
        match kind:
            case "equal":
                return f"{key} = {quoted(rest[0])}"
            case "not equal":
                return f"NOT {key} = {quoted(rest[0])}"
            case "bound":
                return f"{key} {rest[0]} {rest[1]}"
            case "since" | "before":
                return f"{key} {'>=' if kind == 'since' else '<'} {rest[0]}"
            case "in":
                return f"{key} IN ({', '.join(map(quoted, rest[0]))})"
            case "unset":
                return f'{key} = ""'
            case "prefix" | "phone" | "words":
                return f"{key} ~ {quoted(rest[0])}"

    return " AND ".join(map(one, conditions))


def sql_literal(value):
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def sql_of(conditions, moment, text_condition):
    """The condition of a SELECT; `moment` and `text_condition` are what dialects differ in."""

    def one(condition):
        kind, key, *rest = condition
        match kind:
            case "equal":
                return f"{key} = {sql_literal(rest[0].lower())}"
            case "not equal":
                return f"({key} IS NULL OR {key} <> {sql_literal(rest[0].lower())})"
            case "bound":
                return f"{key} {rest[0]} {rest[1]}"
            case "since" | "before":
                return f"{key} {'>=' if kind == 'since' else '<'} {moment(day_start(rest[0]))}"
            case "in":
                return f"{key} IN ({', '.join(sql_literal(value.lower()) for value in rest[0])})"
            case "unset":
                return f"{key} IS NULL"
            case "prefix" | "phone":
                return text_condition(kind, rest[0].lower())

    return " AND ".join(map(one, conditions))


def like(kind, value):
    return f"name_words LIKE '% {value}%'" if kind == "prefix" else f"tels LIKE '%{value}%'"


class Searches:
    """Draws searches whose constants occur in the data."""

    def __init__(self, contacts, seed):
        self.random = random.Random(seed)
        sample = []
        with open(contacts, encoding="utf-8") as lines:
            for _, line in zip(range(20_000), lines):
                sample.append(json.loads(line))
        last = lambda path: path.rsplit(" > ", 1)[-1]
        field = lambda key: [contact["fields"][key] for contact in sample if key in contact.get("fields", {})]
        # A state and a language of one contact, or most pairs would find nobody.
        pairs = ((contact["fields"].get("state"), contact["language"]) for contact in sample)
        self.pairs = [(last(state), language) for state, language in pairs if state and language]
        self.districts = [last(path) for path in field("district")]
        self.plans = field("plan")
        self.phones = [urn[5:] for contact in sample for urn in contact["urns"] if urn.startswith("tel:+")]
        words = [word for contact in sample for word in re.split(r"[^\w'.]+", contact["name"] or "")]
        notes = [word for text in field("notes") for word in re.split(r"[^\w]+", text or "")]
        self.notes = [word for word in notes if word.isascii() and word.isalpha() and len(word) > 3]
        self.words = [word for word in words if word.isascii() and word.isalpha() and len(word) > 4]

    def draw(self, kind):
        pick, between = self.random.choice, self.random.randint
        day = lambda: (datetime(2026, 6, 1) - timedelta(days=between(30, 1_800))).strftime("%Y-%m-%d")
        low = between(12, 40)
        match kind:
            case "equality and range":
                return [("equal", "gender", pick("FM")), ("bound", "age", ">", low)]
            case "four conditions":
                high = low + between(5, 20)
                state, language = pick(self.pairs)
                return [
                    ("equal", "state", state),
                    ("bound", "age", ">=", low),
                    ("bound", "age", "<=", high),
                    ("equal", "language", language),
                ]
            case "name word prefix":
                return [("prefix", "name", pick(self.words)[: between(3, 5)])]
            case "phone substring":
                phone, length = pick(self.phones), between(4, 7)
                start = between(3, len(phone) - length)
                return [("phone", "tel", phone[start : start + length])]
            case "date and not equality":
                return [(pick(["since", "before"]), "joined", day()), ("not equal", "plan", pick(self.plans))]
            case "20 alternatives and range":
                names = sorted(set(self.districts))
                return [("in", "district", self.random.sample(names, 20)), ("bound", "score", ">=", between(20, 90))]
            case "unset":
                return [("unset", pick(UNSET))]
            case "words of a text field":
                return [("words", "notes", pick(self.notes))]
            case "page sorted by number":
                return [pick([("equal", "gender", pick("FM")), ("bound", "score", ">", between(10, 80))])]


WORDS_OF_FIELDS = "words of a text field"
KINDS = [
    "equality and range",
    "four conditions",
    "name word prefix",
    "phone substring",
    "date and not equality",
    "20 alternatives and range",
    "unset",
]
