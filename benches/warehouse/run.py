"""The whole command beside the bare query of the same aggregates, on a table of some million rows, in turns.

usage: run.py ITOG [--postgres URL] [--clickhouse URL] [--users 1000000] [--rounds 7]
"""

import argparse
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

    def ask(self, sql):
        subprocess.run(["psql", self.url, "-qAtc", sql], check=True, stdout=subprocess.DEVNULL)

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

    def ask(self, sql):
        urllib.request.urlopen(self.url, data=sql.encode()).read()

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
        ours = lambda: subprocess.run([os.path.realpath(given.itog), "analyze", path], env=env, check=True, stdout=subprocess.DEVNULL)
        pairs = [(timed(ours), timed(lambda: server.ask(server.bare))) for _ in range(given.rounds + 1)][1:]
    command, bare = (statistics.median(pair[at] for pair in pairs) for at in (0, 1))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{server.source}: {3 * given.users} rows, itog analyze {command:.2f} s, bare query {bare:.2f} s, ratio {ratio:.2f}", flush=True)
