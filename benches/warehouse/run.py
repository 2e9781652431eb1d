"""The whole command beside its own query alone, and beside a query of the same aggregates written by hand, on a table of some
million rows, in turns.

usage: run.py ITOG [--postgres URL] [--clickhouse URL] [--users 1000000] [--rounds 7]
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
import urllib.request

CONFIG = """[experiment]
id = "bench"
title = "Bench"
[design]
control = "A"
[data]
source = "{source}"
table = "itog_bench"
group = "grp"
unit = "user_id"
time = "day"
[[metric]]
id = "arpu"
value = "revenue"
goal = "increase"
role = "primary"
[[metric]]
id = "conversion"
kind = "proportion"
value = "revenue > 0"
goal = "increase"
[[metric]]
id = "sessions"
value = "sessions"
goal = "increase"
"""

# By hand: units, then by group and day their number, those in two groups, and of each metric four powers, extremes, zeros and ones.
POWERS = ", ".join(
    f"sum({v}), sum({v}*{v}), sum({v}*{v}*{v}), sum(({v}*{v})*({v}*{v})), min({v}), max({v}), "
    f"count(CASE WHEN {v} = 0 THEN 1 END), count(CASE WHEN {v} = 1 THEN 1 END)"
    for v in "xyz"
)
BARE = (
    f"SELECT g, d, count(*), sum(CASE WHEN g <> h THEN 1 ELSE 0 END), sum(n), {POWERS} FROM (SELECT user_id, min(grp) AS g, "
    "max(grp) AS h, min(day) AS d, count(*) AS n, sum(revenue) AS x, max({one}) AS y, sum({sessions}) AS z FROM itog_bench "
    "WHERE day < '2030-01-01' GROUP BY user_id) AS u GROUP BY g, d"
)


class Postgres:
    source, variable = "postgres", "ITOG_POSTGRES_URL"
    bare = BARE.replace("{one}", "CASE WHEN revenue > 0 THEN 1.0::float8 ELSE 0.0::float8 END").replace("{sessions}", "sessions::float8")

    def __init__(self, url):
        self.url = url

    # The command asks without workers, so that the same rows give the same bits, and by hash.
    settings = "-c max_parallel_workers_per_gather=0 -c jit=off -c enable_sort=off"

    def ask(self, sql, settings=""):
        env = {**os.environ, "PGOPTIONS": settings}
        subprocess.run(["psql", self.url, "-qAtc", sql], check=True, stdout=subprocess.DEVNULL, env=env)

    def fill(self, users):
        self.ask(
            "DROP TABLE IF EXISTS itog_bench; CREATE TABLE itog_bench AS SELECT CASE WHEN u % 2 = 0 THEN 'A' ELSE 'B' END AS grp, "
            "u AS user_id, DATE '2026-03-01' + ((u * 7919) % 14)::int + v AS day, 1 + (u * 31 + v) % 9 AS sessions, "
            "CASE WHEN (u * 17 + v * 5) % 10 < 2 THEN ((u * 1103515245 + v * 12345) % 100000)::float8 / 100 ELSE 0 END AS revenue "
            f"FROM generate_series(1::bigint, {users}) AS u, generate_series(0, 2) AS v; ANALYZE itog_bench"
        )


class Clickhouse:
    source, variable = "clickhouse", "ITOG_CLICKHOUSE_URL"
    bare = BARE.replace("{one}", "toFloat64(revenue > 0)").replace("{sessions}", "toFloat64(sessions)").replace("'2030-01-01'", "toDate('2030-01-01')")

    def __init__(self, url):
        self.url = url

    settings = "?join_use_nulls=1&max_query_size=10485760&max_ast_depth=10000&max_ast_elements=1000000&max_expanded_ast_elements=10000000"

    def ask(self, sql, settings=""):
        urllib.request.urlopen(self.url + settings, data=sql.encode()).read()

    def fill(self, users):
        self.ask("DROP TABLE IF EXISTS itog_bench")
        self.ask("CREATE TABLE itog_bench (grp String, user_id UInt64, day Date, sessions Int32, revenue Float64) "
                 "ENGINE = MergeTree() PARTITION BY tuple() ORDER BY user_id")
        self.ask("INSERT INTO itog_bench SELECT if(u % 2 = 0, 'A', 'B'), u, toDate('2026-03-01') + (u * 7919) % 14 + v, "
                 "1 + (u * 31 + v) % 9, if((u * 17 + v * 5) % 10 < 2, ((u * 1103515245 + v * 12345) % 100000) / 100, 0) "
                 f"FROM (SELECT intDiv(number, 3) + 1 AS u, number % 3 AS v FROM numbers({3 * users}))")


def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


parser = argparse.ArgumentParser()
parser.add_argument("itog")
parser.add_argument("--postgres")
parser.add_argument("--clickhouse")
parser.add_argument("--users", type=int, default=1_000_000)
parser.add_argument("--rounds", type=int, default=7)
given = parser.parse_args()
servers = [of(url) for of, url in ((Postgres, given.postgres), (Clickhouse, given.clickhouse)) if url]
for server in servers:
    server.fill(given.users)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bench.toml")
        with open(path, "w") as file:
            file.write(CONFIG.format(source=server.source))
        env = {**os.environ, server.variable: server.url}
        command = [os.path.realpath(given.itog), "analyze", path]
        ours = lambda: subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
        said = subprocess.run([*command, "--log-level", "debug", "--log-format", "json"], env=env, check=True, capture_output=True, text=True)
        queries = [line["sql"] for line in map(json.loads, said.stderr.splitlines()) if "sql" in line]
        assert len(queries) == 1, f"{len(queries)} queries for sums"
        own, by_hand = lambda: server.ask(queries[0], server.settings), lambda: server.ask(server.bare)
        rounds = [[timed(work) for work in (ours, own, by_hand)] for _ in range(given.rounds + 1)][1:]
    of = lambda number: statistics.median(map(number, rounds))
    command, own, by_hand = (of(lambda times: times[at]) for at in range(3))
    print(f"{server.source}: {3 * given.users} rows, itog analyze {command:.2f} s, its query alone {own:.2f} s, by hand {by_hand:.2f} s; "
          f"ratios {of(lambda times: times[0] / times[1]):.2f} and {of(lambda times: times[0] / times[2]):.2f}", flush=True)
