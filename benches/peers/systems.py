"""The systems that are compared.

Each loads contacts into a store of its own, in a process of its own, and later opens it to answer: with a count, with the
sum of all document numbers that it fetched (so that the work is done and can be compared), or with the document numbers
of the first page. A document number is a contact's line, from 0.
"""

import csv
import json
import re
import subprocess
from datetime import datetime

from searches import ZONE, day_start, sql_of, text_of_query

NUMBER = r"^-?([0-9]+|[0-9]+\.[0-9]+|\.[0-9]+)$"
TEXTS = ["gender", "plan", "crop", "education", "facility", "notes", "consent"]
NUMBERS = ["age", "score", "children"]
PLACES = ["state", "district"]


def like(kind, value):
    return f"name_words LIKE '% {value}%'" if kind == "prefix" else f"tels LIKE '%{value}%'"


class DuckDb:
    name = "DuckDB"

    def __init__(self, folder):
        self.path = folder / "duckdb.db"

    def open(self):
        import duckdb

        self.connection = duckdb.connect(str(self.path))

    def load(self, contacts):
        self.open()
        is_csv = contacts.suffix == ".csv"
        field = lambda key: f'"Field:{key}"' if is_csv else f"f['{key}']"
        number = lambda key: f"CASE WHEN regexp_matches(trim({field(key)}), '{NUMBER}') THEN trim({field(key)})::DOUBLE END {key}"
        place = lambda key: f"lower(trim(split_part({field(key)}, '>', -1))) {key}"
        columns = [
            "doc, uuid, name, language",
            r"' ' || lower(regexp_replace(name, '[^\p{L}\p{M}\p{N}''._]+', ' ', 'g')) name_words",
            "tels",
            *(number(key) for key in NUMBERS),
            *(place(key) for key in PLACES),
            *(f"lower(trim({field(key)})) {key}" for key in TEXTS),
            f"{field('joined')}::TIMESTAMP joined",
        ]
        if is_csv:
            source = f"SELECT *, row_number() OVER () - 1 doc, \"URN:tel\" tels FROM read_csv('{contacts}', all_varchar = true)"
        else:
            source = f"""SELECT id::INTEGER - 10000 doc, uuid, name, language, fields f,
                list_aggregate(list_filter(urns, lambda u: u LIKE 'tel:%'), 'string_agg', ' ') tels
                FROM read_json('{contacts}', format = 'newline_delimited', columns = {{id: 'VARCHAR', uuid: 'UUID',
                name: 'VARCHAR', language: 'VARCHAR', urns: 'VARCHAR[]', fields: 'MAP(VARCHAR, VARCHAR)'}})"""
        self.connection.execute(f"CREATE TABLE contacts AS SELECT {', '.join(columns)} FROM ({source})")
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
        self.path = folder / "chdb"

    def open(self):
        import numpy
        from chdb import session

        self.numpy = numpy
        self.session = session.Session(str(self.path))

    def load(self, contacts):
        self.open()
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
        self.session.close()

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

    def __init__(self, folder):
        self.path = folder / "polars.parquet"

    def open(self):
        import polars

        self.polars = polars
        self.frame = polars.read_parquet(self.path).rechunk()

    def load(self, contacts):
        import polars as pl

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
        table = pl.scan_ndjson(contacts, schema=schema).select(
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
        table.sink_parquet(self.path, compression="lz4")

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
        self.path = folder / "sqlite.db"

    def open(self):
        import sqlite3

        self.connection = sqlite3.connect(self.path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("PRAGMA cache_size = -1000000")
        self.connection.execute("PRAGMA mmap_size = 16000000000")

    def load(self, contacts):
        self.open()
        execute = self.connection.execute
        is_number = re.compile(NUMBER).match
        text = lambda fields, key: (fields.get(key) or "").strip().lower() or None

        def read():
            with open(contacts, encoding="utf-8", newline="") as lines:
                if contacts.suffix != ".csv":
                    yield from map(json.loads, lines)
                    return
                for row in csv.DictReader(lines):
                    fields = {key[6:]: value for key, value in row.items() if key.startswith("Field:")}
                    urns = [f"tel:{row['URN:tel']}"] if row["URN:tel"] else []
                    yield {"uuid": row["UUID"], "name": row["Name"] or None, "language": row["Language"] or None, "urns": urns, "fields": fields}

        def rows():
            for doc, contact in enumerate(read()):
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
        self.connection.close()

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
        self.path, self.program, self.bench, self.process = folder / "headcount", program, bench, None

    def run(self, *words):
        subprocess.run([self.program, "--store", self.path, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def load(self, contacts):
        self.run("init", "--timezone", ZONE, "--date-format", "DD-MM-YYYY", "--country", "RW")
        self.run("schema", "import", contacts.parent / "schema.json")
        self.run("import", contacts)
        self.run("index")

    def open(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([self.bench, self.path], stdin=pipe, stdout=pipe, text=True)

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, query, mode):
        question = {"query": query, "mode": mode}
        if mode == "page":
            question |= {"sort": "age", "limit": 50}
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise SystemExit(f"headcount: {answer['error']}: {query}")
        self.seconds = answer["micros"] / 1e6
        return answer["result"]

    def count(self, conditions):
        return self.ask(text_of_query(conditions), "count")

    def ids(self, conditions):
        return self.ask(text_of_query(conditions), "ids")

    def page(self, conditions):
        return self.ask(text_of_query(conditions), "page")


PEERS = {"duckdb": DuckDb, "chdb": ClickHouse, "polars": Polars, "sqlite": Sqlite}
