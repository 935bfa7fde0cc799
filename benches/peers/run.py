#!/usr/bin/env python3
"""Compares searches and loading with what users would pick instead: DuckDB, ClickHouse (chdb), polars, SQLite.

Loads the same generated contacts everywhere, runs the same searches warm with varying constants, alternating the systems
within one run, checks that the answers are equal, and prints medians and ratios. See README.md beside this file.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

from measure import in_a_child, new_process
from searches import KINDS, WORDS_OF_FIELDS, Searches, text_of_query
from systems import PEERS, Headcount

HERE = Path(__file__).resolve().parent
PACKAGES = ["duckdb", "chdb", "polars", "numpy"]
PARTS = ["load", "search", "cold", "changes", "csv"]
# The first rounds warm up.
WARMING = 2


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


# ---- Loading --------------------------------------------------------------------------------------------------------


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size(path):
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_blocks * 512 for file in files)


def load(system, contacts, folder):
    """What loading took. A system that this folder has a record of is not loaded again."""
    record = folder / f"{system.name}.loaded.json"
    if not record.exists():
        remove(system.path)
        taken = in_a_child(lambda: system.load(contacts))
        taken["bytes"] = size(system.path)
        record.write_text(json.dumps(taken))
    taken = json.loads(record.read_text())
    print(f"loaded {system.name} in {taken['seconds']:.1f} s", file=sys.stderr)
    return taken


def print_loading(source, loaded):
    length = source.stat().st_size
    print(f"\n| {source.name}, {length / 1e6:,.0f} MB | seconds | of headcount's | peak anonymous memory, MB | store, MB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    first = next(iter(loaded.values()))["seconds"]
    for name, taken in loaded.items():
        cells = [f"{taken['seconds']:.1f}", f"{taken['seconds'] / first:.2f}", f"{taken['anonymous'] / 1e6:,.0f}", f"{taken['bytes'] / 1e6:,.0f}"]
        print(f"| {name} | " + " | ".join(cells) + " |")


def write_csv(contacts, target):
    """The contacts as a spreadsheet: of several addresses of one scheme, the first."""
    if target.exists():
        return
    shutil.copy(contacts.parent / "schema.json", target.parent / "schema.json")
    fields = [field["key"] for field in json.loads((contacts.parent / "schema.json").read_text())["fields"]]
    schemes = ["tel", "whatsapp", "telegram", "facebook", "mailto", "ext"]
    header = ["UUID", "Name", "Language", "Status", "Created On", "Last Seen On"]
    header += [f"URN:{scheme}" for scheme in schemes] + [f"Field:{key}" for key in fields]
    half_done = target.with_suffix(".part")
    with open(contacts, encoding="utf-8") as lines, open(half_done, "w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(header)
        for contact in map(json.loads, lines):
            urns = {}
            for urn in contact["urns"]:
                scheme, path = urn.split(":", 1)
                urns.setdefault(scheme, path)
            values = [contact[key] for key in ("uuid", "name", "language", "status", "created_on", "last_seen_on")]
            values += [urns.get(scheme) for scheme in schemes] + [contact["fields"].get(key) for key in fields]
            rows.writerow(values)
    half_done.rename(target)


# ---- Searching ------------------------------------------------------------------------------------------------------


def timed(system, mode, conditions):
    started = time.perf_counter()
    result = getattr(system, mode)(conditions)
    seconds = time.perf_counter() - started
    return getattr(system, "seconds", seconds), result


def compare(systems, searches, kind, mode, rounds):
    """Medians by system. Every system answers every search; the order turns from round to round."""
    times = {system.name: [] for system in systems}
    for round_number in range(rounds + WARMING):
        conditions = searches.draw(kind)
        results = {}
        turn = round_number % len(systems)
        for system in systems[turn:] + systems[:turn]:
            seconds, results[system.name] = timed(system, mode, conditions)
            if round_number >= WARMING:
                times[system.name].append(seconds)
        if len({json.dumps(result) for result in results.values()}) > 1:
            shown = {name: result if mode == "count" else str(result)[:160] for name, result in results.items()}
            sys.exit(f"answers differ ({mode}): {text_of_query(conditions)}\n{shown}")
    return {name: statistics.median(values) for name, values in times.items()}


def print_table(title, rows, names, unit=1e3):
    """Medians in milliseconds, then each of the others' as a multiple of the first system's."""
    first = names[0]
    print(f"\n| {title} | " + " | ".join(names) + " | " + " | ".join(f"{name} / {first}" for name in names[1:]) + " |")
    print("| --- |" + " ---: |" * (2 * len(names) - 1))
    for label, medians in rows:
        cells = [f"{medians[name] * unit:.3g}" for name in names]
        ratios = [f"{medians[name] / max(medians[first], 1e-9):.3g}" for name in names[1:]]
        print(f"| {label} | " + " | ".join(cells + ratios) + " |")


def search(systems, contacts, arguments):
    for system in systems:
        system.open()
    searches = Searches(contacts, arguments.seed)
    names = [system.name for system in systems]
    for title, mode, kinds in [("count, ms", "count", KINDS), ("all ids, ms", "ids", KINDS), ("first 50, ms", "page", ["page sorted by number"])]:
        rows = [(kind, compare(systems, searches, kind, mode, arguments.rounds)) for kind in kinds]
        print_table(title, rows, names)


# ---- headcount alone ------------------------------------------------------------------------------------------------


def cold(headcount, contacts, arguments):
    """Counts as new processes, files in the page cache."""
    searches = Searches(contacts, arguments.seed)
    nothing = statistics.median(new_process(["true"])["seconds"] for _ in range(arguments.rounds))
    print(f"\n| count in a new process (an empty one: {nothing * 1e3:.1f} ms) | wall, ms | anonymous memory, MB |")
    print("| --- | ---: | ---: |")
    for kind in [*KINDS, WORDS_OF_FIELDS]:
        taken = []
        for _ in range(arguments.rounds + WARMING):
            query = text_of_query(searches.draw(kind))
            taken.append(new_process([headcount.program, "--store", headcount.path, "query", "--count", query]))
        taken = taken[WARMING:]
        seconds = statistics.median(one["seconds"] for one in taken)
        memory = max(one["anonymous"] for one in taken)
        print(f"| {kind} | {seconds * 1e3:.1f} | {memory / 1e6:.0f} |")


def changes(headcount, contacts, work, arguments):
    """Counts right after changes, nothing merged or indexed; and the same counts afterwards."""
    copy = Headcount(work / "changed", headcount.program, headcount.bench)
    remove(work / "changed")
    copy.path.parent.mkdir()
    shutil.copytree(headcount.path, copy.path)
    started = time.perf_counter()
    with open(work / "changed" / "log.jsonl", "w") as log:
        # Lines that are refused are part of the generated stream.
        applied = subprocess.run([copy.program, "--store", copy.path, "apply", contacts.parent / "changes.jsonl"], stdout=log, stderr=subprocess.DEVNULL)
    if applied.returncode not in (0, 1):
        sys.exit(f"applying the changes failed with status {applied.returncode}")
    applying = time.perf_counter() - started
    searches = Searches(contacts, arguments.seed)
    kinds = [*KINDS, WORDS_OF_FIELDS]
    drawn = {kind: [searches.draw(kind) for _ in range(arguments.rounds + WARMING)] for kind in kinds}

    def counts():
        copy.open()
        answers = {kind: [timed(copy, "count", conditions) for conditions in drawn[kind]] for kind in kinds}
        copy.close()
        medians = {kind: statistics.median(seconds for seconds, _ in answers[kind][WARMING:]) for kind in kinds}
        return medians, {kind: [count for _, count in answers[kind]] for kind in kinds}

    before, answers_before = counts()
    copy.run("index")
    after, answers_after = counts()
    for kind in kinds:
        if answers_before[kind] != answers_after[kind]:
            sys.exit(f"indexing changed the answers of {kind}: {answers_before[kind]} and {answers_after[kind]}")
    print(f"\n| count, ms, after changes.jsonl (applied in {applying:.1f} s) | not indexed yet | indexed | ratio | more, ms |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for kind in kinds:
        cells = [f"{before[kind] * 1e3:.3g}", f"{after[kind] * 1e3:.3g}", f"{before[kind] / after[kind]:.2f}", f"{(before[kind] - after[kind]) * 1e3:.3g}"]
        print(f"| {kind} | " + " | ".join(cells) + " |")
    remove(work / "changed")


def from_csv(contacts, work, arguments):
    """Loading the same contacts from CSV."""
    folder = work / "csv"
    folder.mkdir(exist_ok=True)
    sheet = folder / "contacts.csv"
    write_csv(contacts, sheet)
    systems = [PEERS[name](folder) for name in arguments.systems.split(",") if name in ("duckdb", "sqlite")]
    if arguments.program:
        systems.insert(0, Headcount(folder, arguments.program.resolve(), arguments.bench))
    loaded = {}
    for system in systems:
        loaded[system.name] = load(system, sheet, folder)
        remove(system.path)
    print_loading(sheet, loaded)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contacts", type=Path, help="contacts.jsonl of `headcount generate`, with schema.json beside it")
    parser.add_argument("--parts", default="load,search", help=f"what to measure, of {','.join(PARTS)} (load,search)")
    parser.add_argument("--rounds", type=int, default=15, help="searches of each kind (15)")
    parser.add_argument("--seed", type=int, default=1, help="of the searches' constants (1)")
    parser.add_argument("--systems", default=",".join(PEERS), help="peers, separated by commas")
    parser.add_argument("--program", type=Path, help="the headcount program; without it, peers alone are compared")
    parser.add_argument("--bench", type=Path, help="the program that answers searches over a pipe (peers_bench)")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="a folder for stores; what it has is used again")
    parser.add_argument("--fresh", action="store_true", help="empty the folder for stores first")
    parser.add_argument("--environment", type=Path, default=HERE / "venv", help="the virtual environment")
    arguments = parser.parse_args()
    ensure_environment(arguments.environment)
    parts = arguments.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if {"cold", "changes"} & set(parts) and not (arguments.program and arguments.bench):
        parser.error("cold and changes are about headcount: give --program and --bench")

    contacts, work = arguments.contacts.resolve(), arguments.work.resolve()
    marker = work / ".peers"
    if work.exists() and not marker.exists() and any(work.iterdir()):
        sys.exit(f"{work} holds something else: give another folder")
    if marker.exists() and marker.read_text() not in ("", str(contacts)) and not arguments.fresh:
        sys.exit(f"{work} holds stores of {marker.read_text()}: give another folder, or --fresh")
    if arguments.fresh:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    marker.write_text(str(contacts))

    systems = [PEERS[name](work) for name in arguments.systems.split(",") if name]
    headcount = None
    if arguments.program and arguments.bench:
        headcount = Headcount(work, arguments.program.resolve(), arguments.bench.resolve())
        systems.insert(0, headcount)
    needed = systems if {"load", "search"} & set(parts) else [headcount] if {"cold", "changes"} & set(parts) else []
    loaded = {system.name: load(system, contacts, work) for system in needed}
    if "load" in parts:
        print_loading(contacts, loaded)
    if "csv" in parts:
        from_csv(contacts, work, arguments)
    if "cold" in parts:
        cold(headcount, contacts, arguments)
    if "changes" in parts:
        changes(headcount, contacts, work, arguments)
    if "search" in parts:
        search(systems, contacts, arguments)


if __name__ == "__main__":
    main()
