# SPDX-License-Identifier: Apache-2.0
"""A database under load, and whether a restored copy of it is whole.

    points_writer.py write KIND PLACE ACKS   commit rows until killed; a line of ACKS for each:
                                             number, when it was acknowledged, how long it took
    points_writer.py check KIND PLACE ACKS TAKEN_MS
                                             whole, and has all that was acknowledged before
    points_writer.py pauses ACKS FROM_MS TO_MS
                                             the longest commit of that time, in milliseconds

KIND is sqlite (PLACE a file) or postgres (PLACE what psql takes as a connection).
"""
import os
import sqlite3
import subprocess
import sys
import time

TIDY_EACH = 5000  # commits
TABLE = "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, filler {})"


def old(number):
    """A row that is there: the large ones are few, so that the file system does not fill up."""
    return number * 7919 % min(number, 5000) + 1


def now_ms():
    return time.time() * 1000


class Sqlite:
    def __init__(self, place):
        self.db = sqlite3.connect(place, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute(TABLE.format("BLOB"))

    def last(self):
        return self.db.execute("SELECT coalesce(max(id), 0), count(*) FROM t").fetchone()

    def commit(self, number):
        size = 200 + number % 7 * 900
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO t VALUES (?, ?)", (number, b""))
        self.db.execute("UPDATE t SET filler = ? WHERE id = ?", (os.urandom(size), old(number)))
        self.db.execute("COMMIT")

    def tidy(self):
        pass

    def whole(self):
        said = self.db.execute("PRAGMA integrity_check").fetchall()
        return said == [("ok",)] or said


class Postgres:
    def __init__(self, place):
        self.psql = subprocess.Popen(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", place],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.ask("SET client_min_messages = warning;" + TABLE.format("BYTEA"))

    def ask(self, sql):
        self.psql.stdin.write(sql + ";\n\\echo .\n")
        lines = []
        for line in self.psql.stdout:
            if line == ".\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise SystemExit("psql ended")

    def last(self):
        return [int(n) for n in
                self.ask("SELECT coalesce(max(id), 0), count(*) FROM t")[0].split("|")]

    def commit(self, number):
        size = 1 + number % 7 * 20
        self.ask(f"BEGIN; INSERT INTO t VALUES ({number}, ''); "
                 f"UPDATE t SET filler = decode(repeat(md5(random()::text), {size}), 'hex') "
                 f"WHERE id = {old(number)}; COMMIT")

    def tidy(self):
        """On a busy machine nobody else does in time, and old rows would fill the file system."""
        self.ask("VACUUM t")

    def whole(self):
        return True  # pg_amcheck and pg_dump look, see the script


KINDS = {"sqlite": Sqlite, "postgres": Postgres}


def write(kind, place, acks):
    db = KINDS[kind](place)
    number = db.last()[0]
    with open(acks, "a", buffering=1) as out:
        while True:
            number += 1
            begun = time.monotonic()
            db.commit(number)
            out.write(f"{number} {now_ms():.3f} {(time.monotonic() - begun) * 1000:.3f}\n")
            if number % TIDY_EACH == 0:
                db.tidy()


def rows(acks):
    with open(acks) as lines:
        return [tuple(map(float, line.split())) for line in lines if line.endswith("\n")]


def check(kind, place, acks, taken_ms):
    db = KINDS[kind](place)
    whole = db.whole()
    if whole is not True:
        raise SystemExit(f"not whole: {whole}")
    newest, count = db.last()
    acked = max((int(n) for n, at, _ in rows(acks) if at < float(taken_ms)), default=0)
    if newest < acked:
        raise SystemExit(f"commit {acked} was acknowledged before, the newest is {newest}")
    if newest != count:
        raise SystemExit(f"{count} rows up to number {newest}")
    print(f"{newest} rows, {acked} of them acknowledged before")


def pauses(acks, begin, end):
    print(max((took for _, at, took in rows(acks) if float(begin) <= at and at - took <= float(end)),
              default=0))


if __name__ == "__main__":
    {"write": write, "check": check, "pauses": pauses}[sys.argv[1]](*sys.argv[2:])
