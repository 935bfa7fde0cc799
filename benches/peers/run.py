#!/usr/bin/env python3
"""Compares searches with what users would pick instead: DuckDB, ClickHouse (chdb), polars, SQLite.

Loads the same generated contacts everywhere, runs the same searches warm with varying constants, alternating the systems
within one run, checks that the answers are equal, and prints medians and ratios. See README.md beside this file.
"""

import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
import venv
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ["duckdb", "chdb", "polars", "numpy"]
# The zone of the workspace has no daylight saving, so that a day is easy to give to every system.
ZONE, OFFSET = "Africa/Kigali", timezone(timedelta(hours=2))
NUMBER = r"^-?([0-9]+|[0-9]+\.[0-9]+|\.[0-9]+)$"
TEXTS = ["gender", "plan", "crop", "education", "facility", "notes", "consent"]
NUMBERS = ["age", "score", "children"]
PLACES = ["state", "district"]
UNSET = ["language", "plan", "crop", "education", "facility", "notes", "consent"]


def ensure_environment(folder):
    """Runs this script again inside a virtual environment that has the packages."""
    python = folder / "bin" / "python"
    if Path(sys.prefix).resolve() == folder.resolve():
        return
    if not python.exists():
        print(f"making {folder} with {', '.join(PACKAGES)}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.execv(python, [python, *sys.argv])


# ---- Searches: lists of conditions, all of which must hold ---------------------------------------------------------


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
            case "prefix" | "phone":
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
            case "page sorted by number":
                return [pick([("equal", "gender", pick("FM")), ("bound", "score", ">", between(10, 80))])]


KINDS = [
    "equality and range",
    "four conditions",
    "name word prefix",
    "phone substring",
    "date and not equality",
    "20 alternatives and range",
    "unset",
]

# ---- Systems ------------------------------------------------------------------------------------------------------
#
# Each answers with a count, with the sum of all document numbers that it fetched (so that the work is done and can be
# compared), or with the document numbers of the first page. A document number is a contact's line, from 0.


class DuckDb:
    name = "DuckDB"

    def __init__(self, folder):
        import duckdb

        self.connection = duckdb.connect(str(folder / "duckdb.db"))

    def load(self, contacts):
        number = lambda key: f"CASE WHEN regexp_matches(trim(f['{key}']), '{NUMBER}') THEN trim(f['{key}'])::DOUBLE END {key}"
        place = lambda key: f"lower(trim(split_part(f['{key}'], '>', -1))) {key}"
        columns = [
            "id::INTEGER - 10000 doc, uuid, name, language",
            r"' ' || lower(regexp_replace(name, '[^\p{L}\p{M}\p{N}''._]+', ' ', 'g')) name_words",
            "list_aggregate(list_filter(urns, lambda u: u LIKE 'tel:%'), 'string_agg', ' ') tels",
            *(number(key) for key in NUMBERS),
            *(place(key) for key in PLACES),
            *(f"lower(trim(f['{key}'])) {key}" for key in TEXTS),
            "f['joined']::TIMESTAMP joined",
        ]
        self.connection.execute(
            f"""CREATE TABLE contacts AS SELECT {', '.join(columns)} FROM (
            SELECT id, uuid, name, language, urns, fields f FROM read_json('{contacts}', format = 'newline_delimited',
            columns = {{id: 'VARCHAR', uuid: 'UUID', name: 'VARCHAR', language: 'VARCHAR', urns: 'VARCHAR[]',
            fields: 'MAP(VARCHAR, VARCHAR)'}}))"""
        )
        self.connection.execute("CHECKPOINT")

    def where(self, conditions):
        return sql_of(conditions, lambda moment: f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}'", like)

    def count(self, conditions):
        return self.connection.execute(f"SELECT count(*) FROM contacts WHERE {self.where(conditions)}").fetchone()[0]

    def ids(self, conditions):
        rows = self.connection.execute(f"SELECT doc FROM contacts WHERE {self.where(conditions)}").fetchnumpy()
        return int(rows["doc"].sum(dtype="int64"))

    def page(self, conditions):
        order = "ORDER BY age ASC NULLS LAST, doc LIMIT 50"
        rows = self.connection.execute(f"SELECT doc FROM contacts WHERE {self.where(conditions)} {order}").fetchall()
        return [doc for (doc,) in rows]


class ClickHouse:
    name = "ClickHouse"

    def __init__(self, folder):
        import numpy
        from chdb import session

        self.numpy = numpy
        self.session = session.Session(str(folder / "chdb"))

    def load(self, contacts):
        text = lambda key: f"nullIf(lowerUTF8(trim(BOTH ' ' FROM fields['{key}'])), '')"
        number = lambda key: f"if(match({text(key)}, '{NUMBER}'), toFloat64OrNull({text(key)}), NULL)".replace("\\", "\\\\")
        place = lambda key: f"nullIf(lowerUTF8(trim(BOTH ' ' FROM splitByChar('>', fields['{key}'])[-1])), '')"
        pattern = r"[^\\p{L}\\p{M}\\p{N}\'._]+"
        types = {
            "doc": ("UInt32", "toUInt32(toUInt64(id) - 10000)"),
            "uuid": ("UUID", "uuid"),
            "name": ("Nullable(String)", "name"),
            "language": ("LowCardinality(Nullable(String))", "language"),
            "name_words": ("Nullable(String)", f"concat(' ', lowerUTF8(replaceRegexpAll(name, '{pattern}', ' ')))"),
            "tels": ("String", "arrayStringConcat(arrayFilter(u -> startsWith(u, 'tel:'), urns), ' ')"),
            **{key: ("Nullable(Float64)", number(key)) for key in NUMBERS},
            **{key: ("LowCardinality(Nullable(String))", place(key)) for key in PLACES},
            **{key: ("Nullable(String)", text(key)) for key in TEXTS},
            "joined": ("Nullable(DateTime64(6, 'UTC'))", "parseDateTime64BestEffortOrNull(fields['joined'], 6, 'UTC')"),
        }
        columns = ", ".join(f"{key} {kind}" for key, (kind, _) in types.items())
        values = ", ".join(f"{value} AS out_{key}" for key, (_, value) in types.items())
        source = "id String, uuid UUID, name Nullable(String), language Nullable(String), urns Array(String), fields Map(String, String)"
        self.session.query("CREATE DATABASE peers")
        self.session.query(f"CREATE TABLE peers.contacts ({columns}) ENGINE = MergeTree ORDER BY doc")
        self.session.query(f"INSERT INTO peers.contacts SELECT {values} FROM file('{contacts}', 'JSONEachRow', '{source}')")

    def where(self, conditions):
        return sql_of(conditions, lambda moment: f"toDateTime64('{moment:%Y-%m-%d %H:%M:%S}', 6, 'UTC')", like)

    def count(self, conditions):
        sql = f"SELECT count() FROM peers.contacts WHERE {self.where(conditions)}"
        return int(self.session.query(sql, "TabSeparated").bytes())

    def ids(self, conditions):
        sql = f"SELECT doc FROM peers.contacts WHERE {self.where(conditions)}"
        rows = self.session.query(sql, "RowBinary").bytes()
        return int(self.numpy.frombuffer(rows, dtype="<u4").sum(dtype="int64"))

    def page(self, conditions):
        order = "ORDER BY age ASC NULLS LAST, doc LIMIT 50"
        sql = f"SELECT doc FROM peers.contacts WHERE {self.where(conditions)} {order}"
        return [int(doc) for doc in self.session.query(sql, "TabSeparated").bytes().split()]


class Polars:
    name = "polars"

    def __init__(self, _folder):
        import polars

        self.polars = polars

    def load(self, contacts):
        pl = self.polars
        keys = TEXTS + NUMBERS + PLACES + ["joined"]
        schema = {
            "id": pl.String,
            "uuid": pl.String,
            "name": pl.String,
            "language": pl.String,
            "urns": pl.List(pl.String),
            "fields": pl.Struct({key: pl.String for key in keys}),
        }
        field = lambda key: pl.col("fields").struct.field(key).str.strip_chars()
        number = lambda key: pl.when(field(key).str.contains(NUMBER)).then(field(key)).cast(pl.Float64, strict=False)
        self.frame = pl.read_ndjson(contacts, schema=schema).select(
            (pl.col("id").cast(pl.Int64) - 10_000).cast(pl.UInt32).alias("doc"),
            "uuid",
            "name",
            "language",
            (pl.lit(" ") + pl.col("name").str.replace_all(r"[^\p{L}\p{M}\p{N}'._]+", " ").str.to_lowercase()).alias("name_words"),
            pl.col("urns").list.eval(pl.element().filter(pl.element().str.starts_with("tel:"))).list.join(" ").alias("tels"),
            *(number(key).alias(key) for key in NUMBERS),
            *(field(key).str.split(">").list.last().str.strip_chars().str.to_lowercase().alias(key) for key in PLACES),
            *(field(key).str.to_lowercase().alias(key) for key in TEXTS),
            field("joined").str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False).alias("joined"),
        )

    def where(self, conditions):
        pl = self.polars

        def one(condition):
            kind, key, *rest = condition
            column = pl.col(key if kind not in ("prefix", "phone") else {"prefix": "name_words", "phone": "tels"}[kind])
            match kind:
                case "equal":
                    return column == rest[0].lower()
                case "not equal":
                    return column.is_null() | (column != rest[0].lower())
                case "bound":
                    return {">": column.__gt__, ">=": column.__ge__, "<=": column.__le__}[rest[0]](rest[1])
                case "since":
                    return column >= day_start(rest[0])
                case "before":
                    return column < day_start(rest[0])
                case "in":
                    return column.is_in([value.lower() for value in rest[0]])
                case "unset":
                    return column.is_null()
                case "prefix" | "phone":
                    value = rest[0].lower()
                    return column.str.contains(" " + value if kind == "prefix" else value, literal=True)

        return pl.all_horizontal([one(condition) for condition in conditions])

    def count(self, conditions):
        return self.frame.lazy().filter(self.where(conditions)).select(self.polars.len()).collect().item()

    def ids(self, conditions):
        rows = self.frame.lazy().filter(self.where(conditions)).select("doc").collect()
        return int(rows["doc"].to_numpy().sum(dtype="int64"))

    def page(self, conditions):
        rows = self.frame.lazy().filter(self.where(conditions)).select("doc", "age")
        return rows.sort("age", "doc", nulls_last=True).head(50).collect()["doc"].to_list()


class Sqlite:
    name = "SQLite"
    columns = ["doc", "uuid", "name", "language", *NUMBERS, *PLACES, *TEXTS, "joined"]
    indexes = ["gender, age", "state, language, age", "district, score", "joined, plan", "age", "language"] + TEXTS[1:]

    def __init__(self, folder):
        import sqlite3

        self.connection = sqlite3.connect(folder / "sqlite.db", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("PRAGMA cache_size = -1000000")
        self.connection.execute("PRAGMA mmap_size = 16000000000")

    def load(self, contacts):
        execute = self.connection.execute
        is_number = re.compile(NUMBER).match
        text = lambda fields, key: (fields.get(key) or "").strip().lower() or None

        def rows():
            with open(contacts, encoding="utf-8") as lines:
                for doc, line in enumerate(lines):
                    contact = json.loads(line)
                    fields = contact.get("fields", {})
                    numbers = (text(fields, key) for key in NUMBERS)
                    joined = fields.get("joined")
                    yield (
                        doc,
                        contact["uuid"],
                        contact["name"],
                        contact["language"],
                        *(float(value) if value and is_number(value) else None for value in numbers),
                        *((text(fields, key) or "").rsplit(">", 1)[-1].strip() or None for key in PLACES),
                        *(text(fields, key) for key in TEXTS),
                        joined and int(datetime.fromisoformat(joined).timestamp() * 1_000_000),
                        " ".join(re.split(r"[^\w'.]+", contact["name"] or "")),
                        " ".join(urn for urn in contact["urns"] if urn.startswith("tel:")),
                    )

        execute(f"CREATE TABLE contacts ({', '.join(self.columns)}, PRIMARY KEY (doc)) WITHOUT ROWID".replace("doc,", "doc INTEGER,", 1))
        execute("CREATE VIRTUAL TABLE names USING fts5(words, tokenize = \"unicode61 remove_diacritics 0 tokenchars '''.'\", prefix = '3 4 5', detail = none)")
        execute("CREATE VIRTUAL TABLE phones USING fts5(tels, tokenize = 'trigram', detail = full)")
        execute("BEGIN")
        insert = f"INSERT INTO contacts VALUES ({', '.join('?' * len(self.columns))})"
        batch = []

        def flush():
            self.connection.executemany(insert, (row[:-2] for row in batch))
            self.connection.executemany("INSERT INTO names (rowid, words) VALUES (?, ?)", ((row[0], row[-2]) for row in batch))
            self.connection.executemany("INSERT INTO phones (rowid, tels) VALUES (?, ?)", ((row[0], row[-1]) for row in batch))
            batch.clear()

        for row in rows():
            batch.append(row)
            if len(batch) == 50_000:
                flush()
        flush()
        for columns in self.indexes:
            execute(f"CREATE INDEX by_{columns.replace(', ', '_')} ON contacts ({columns})")
        execute("COMMIT")
        execute("ANALYZE")

    @staticmethod
    def text_match(kind, value):
        return f"names MATCH '{value}*'" if kind == "prefix" else f"phones MATCH '\"{value}\"'"

    def source(self, conditions):
        """The table and condition: a text index alone if that is all it takes."""
        if len(conditions) == 1 and conditions[0][0] in ("prefix", "phone"):
            kind, _, value = conditions[0]
            return ("names" if kind == "prefix" else "phones") + " WHERE " + self.text_match(kind, value.lower())
        within = lambda kind, value: f"doc IN (SELECT rowid FROM {'names' if kind == 'prefix' else 'phones'} WHERE {self.text_match(kind, value)})"
        return "contacts WHERE " + sql_of(conditions, lambda moment: str(int(moment.timestamp() * 1_000_000)), within)

    def column(self, conditions):
        return "doc" if self.source(conditions).startswith("contacts") else "rowid"

    def count(self, conditions):
        return self.connection.execute(f"SELECT count(*) FROM {self.source(conditions)}").fetchone()[0]

    def ids(self, conditions):
        rows = self.connection.execute(f"SELECT {self.column(conditions)} FROM {self.source(conditions)}").fetchall()
        return sum(doc for (doc,) in rows)

    def page(self, conditions):
        # Two parts, so that the index on age gives the order: contacts without a value come last.
        source = self.source(conditions)
        rows = self.connection.execute(f"SELECT doc FROM {source} AND age IS NOT NULL ORDER BY age, doc LIMIT 50").fetchall()
        if len(rows) < 50:
            rest = f"SELECT doc FROM {source} AND age IS NULL ORDER BY doc LIMIT {50 - len(rows)}"
            rows += self.connection.execute(rest).fetchall()
        return [doc for (doc,) in rows]


class Headcount:
    """The bench program measures within its own process; what is reported is its time, not that of the pipe."""

    name = "headcount"

    def __init__(self, folder, program, bench):
        self.store, self.program, self.bench, self.process = folder / "headcount", program, bench, None

    def load(self, contacts):
        run = lambda *words: subprocess.run([self.program, "--store", self.store, *words], check=True, stdout=subprocess.DEVNULL)
        run("init", "--timezone", ZONE, "--date-format", "DD-MM-YYYY", "--country", "RW")
        run("schema", "import", contacts.parent / "schema.json")
        run("import", contacts)
        run("index")

    def ask(self, conditions, mode):
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen([self.bench, self.store], stdin=pipe, stdout=pipe, text=True)
        question = {"query": text_of_query(conditions), "mode": mode}
        if mode == "page":
            question |= {"sort": "age", "limit": 50}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            sys.exit(f"headcount: {answer['error']}: {question['query']}")
        self.seconds = answer["micros"] / 1e6
        return answer["result"]

    def count(self, conditions):
        return self.ask(conditions, "count")

    def ids(self, conditions):
        return self.ask(conditions, "ids")

    def page(self, conditions):
        return self.ask(conditions, "page")


# ---- Measuring ----------------------------------------------------------------------------------------------------


def timed(system, mode, conditions):
    started = time.perf_counter()
    result = getattr(system, mode)(conditions)
    seconds = time.perf_counter() - started
    return getattr(system, "seconds", seconds), result


def compare(systems, searches, kind, mode, rounds):
    """Medians by system. Every system answers every search; the order turns from round to round."""
    times = {system.name: [] for system in systems}
    for round_number in range(rounds + 2):
        conditions = searches.draw(kind)
        results = {}
        turn = round_number % len(systems)
        for system in systems[turn:] + systems[:turn]:
            seconds, results[system.name] = timed(system, mode, conditions)
            # The first two rounds warm up.
            if round_number >= 2:
                times[system.name].append(seconds)
        if len({json.dumps(result) for result in results.values()}) > 1:
            shown = {name: result if mode == "count" else str(result)[:160] for name, result in results.items()}
            sys.exit(f"answers differ ({mode}): {text_of_query(conditions)}\n{shown}")
    return {name: statistics.median(values) for name, values in times.items()}


def print_table(title, rows, names, unit=1e3):
    """Medians in milliseconds (seconds for loading), then each peer's as a multiple of the first system's."""
    first = names[0]
    print(f"\n| {title} | " + " | ".join(names) + " | " + " | ".join(f"{name} / {first}" for name in names[1:]) + " |")
    print("| --- |" + " ---: |" * (2 * len(names) - 1))
    for label, medians in rows:
        cells = [f"{medians[name] * unit:.3g}" for name in names]
        ratios = [f"{medians[name] / max(medians[first], 1e-9):.3g}" for name in names[1:]]
        print(f"| {label} | " + " | ".join(cells + ratios) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contacts", type=Path, help="contacts.jsonl of `headcount generate`, with schema.json beside it")
    parser.add_argument("--rounds", type=int, default=15, help="searches of each kind (15)")
    parser.add_argument("--seed", type=int, default=1, help="of the searches' constants (1)")
    parser.add_argument("--systems", default="duckdb,chdb,polars,sqlite", help="peers, separated by commas")
    parser.add_argument("--program", type=Path, help="the headcount program; without it, peers alone are compared")
    parser.add_argument("--bench", type=Path, help="the program that answers searches over a pipe (peers_bench)")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="a folder for stores; emptied first")
    parser.add_argument("--environment", type=Path, default=HERE / "venv", help="the virtual environment")
    arguments = parser.parse_args()
    ensure_environment(arguments.environment)

    contacts, work = arguments.contacts.resolve(), arguments.work.resolve()
    if work.exists() and not (work / ".peers").exists() and any(work.iterdir()):
        sys.exit(f"{work} holds something else: give another folder")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / ".peers").touch()
    available = {"duckdb": DuckDb, "chdb": ClickHouse, "polars": Polars, "sqlite": Sqlite}
    systems = [available[name](work) for name in arguments.systems.split(",") if name]
    if arguments.program and arguments.bench:
        systems.insert(0, Headcount(work, arguments.program.resolve(), arguments.bench.resolve()))
    names = [system.name for system in systems]

    loading = {}
    for system in systems:
        started = time.perf_counter()
        system.load(contacts)
        loading[system.name] = time.perf_counter() - started
        print(f"loaded {system.name} in {loading[system.name]:.1f} s", file=sys.stderr)
    print_table("import, s", [(contacts.name, loading)], names, unit=1)

    searches = Searches(contacts, arguments.seed)
    for title, mode, kinds in [("count, ms", "count", KINDS), ("all ids, ms", "ids", KINDS), ("first 50, ms", "page", ["page sorted by number"])]:
        print_table(title, [(kind, compare(systems, searches, kind, mode, arguments.rounds)) for kind in kinds], names)


if __name__ == "__main__":
    main()
