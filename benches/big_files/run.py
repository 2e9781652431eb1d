#!/usr/bin/env python3
"""Times `itog analyze` on big files against DuckDB and polars, in turn, and prints medians, ratios and peak memory.

    python3 benches/big_files/run.py target/release/itog [--folder DIR] [--repeat 5] [--rows 1,10,50,100]

Needs duckdb, polars, numpy and pyarrow (see requirements.txt). Files are made once a folder, with fixed seeds. All of them run
on the same number of threads; DuckDB and polars compute in this interpreter, so their start is not counted, ours is.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = """[experiment]
id = "big"
title = "Big files"
status = "finished"
[design]
control = "A"
allocation = {{ A = 1, B = 1 }}
[data]
path = "{path}"
group = "group"
streaming = "{streaming}"
{unit}
[[metric]]
id = "arpu"
value = "revenue"
role = "primary"
[[metric]]
id = "conversion"
kind = "proportion"
value = "purchase"
[[metric]]
id = "sessions"
value = "sessions"
"""

SQL = """select "group", count(*), avg(revenue), var_samp(revenue), avg(purchase), var_samp(purchase), avg(sessions),
var_samp(sessions) from '{path}' group by 1 order by 1"""


# What the rows of a unit mean: sums of revenue and sessions, whether there was a purchase; units in two groups are left out.
SQL_UNITS = """select g, count(*), avg(r), var_samp(r), avg(p), var_samp(p), avg(s), var_samp(s) from (
select user_id, min("group") g, sum(revenue) r, max(purchase) p, sum(sessions) s from '{path}' group by user_id
having min("group") = max("group")) group by 1 order by 1"""


def make(path: Path, rows: int, users: int | None = None) -> None:
    """A file of purchases: 5 % of the users buy, amounts are lognormal. With `users`, rows are visits of so many users in the order
    of time; a user's group is that of the number."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    if path.exists():
        return
    rng, writer, done = np.random.default_rng(7), None, 0
    part = path.with_suffix(".part")
    while done < rows:
        n = min(1_000_000, rows - done)
        user = np.arange(done, done + n) if users is None else rng.integers(0, users, n)
        group = rng.integers(0, 2, n) if users is None else user * 2_654_435_761 % 65_536 // 32_768
        buys = rng.random(n) < 0.05 + 0.002 * group
        table = pa.table(
            {
                "group": pa.array(np.where(group == 0, "A", "B")),
                "user_id": pa.array(user),
                "revenue": np.where(buys, np.round(rng.lognormal(3, 1, n), 2), 0.0),
                "purchase": buys.astype(np.int32),
                "sessions": rng.poisson(3, n).astype(np.int32),
                "time": pa.array(1_709_251_200_000_000 + rng.integers(0, 28 * 86_400, n) * 1_000_000, pa.timestamp("us")),
            }
        )
        if writer is None:
            options = csv.WriteOptions(quoting_style="none")
            writer = (
                csv.CSVWriter(part, table.schema, write_options=options)
                if path.suffix == ".csv"
                else parquet.ParquetWriter(part, table.schema)
            )
        writer.write_table(table)
        done += n
    writer.close()
    part.rename(path)


def child(code: str) -> tuple[float, float, float]:
    """Seconds and processor seconds that a piece of Python says it took, and peak megabytes of its process."""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, said
    seconds, processor = map(float, said.split()[-2:])
    return seconds, processor, used.ru_maxrss / 1024


def itog(binary: str, config: Path) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak megabytes of a whole process."""
    start = time.perf_counter()
    process = subprocess.Popen([binary, "analyze", str(config)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, f"itog ended with {status}"
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def peer(path: Path, threads: int, units: bool) -> str:
    if path.suffix == ".parquet":
        sql = (SQL_UNITS if units else SQL).format(path=path)
        return f"""
import duckdb, time
db = duckdb.connect(); db.execute("set threads={threads}; set enable_progress_bar=false")
start, used = time.perf_counter(), time.process_time(); db.execute('''{sql}''').fetchall(); print(time.perf_counter() - start, time.process_time() - used)"""
    return f"""
import os; os.environ["POLARS_MAX_THREADS"] = "{threads}"
import polars as pl, time
c = pl.col
start, used = time.perf_counter(), time.process_time()
pl.scan_csv({str(path)!r}).group_by("group").agg(
    pl.len(), *[f(c(n)).alias(n + str(i)) for n in ("revenue", "purchase", "sessions") for i, f in enumerate((pl.Expr.mean, pl.Expr.var))]
).collect(engine="streaming"); print(time.perf_counter() - start, time.process_time() - used)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--folder", default=str(Path(tempfile.gettempdir()) / "itog-big-files"))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--rows", default="1,10,50", help="millions of rows of Parquet")
    parser.add_argument("--csv", default="1,10", help="millions of rows of CSV")
    parser.add_argument("--units", default="1,20", help="millions of rows of Parquet, ten a unit")
    parser.add_argument("--streaming", default="always")
    given = parser.parse_args()
    folder = Path(given.folder)
    folder.mkdir(parents=True, exist_ok=True)
    threads = len(os.sched_getaffinity(0))
    print(f"{threads} threads, medians of {given.repeat} runs in turn; seconds (processor seconds), MB at the peak\n")
    print("| file | itog | peer | ratio of times | of processor times | itog, MB | peer, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    work = [(int(float(n) * 1e6), "parquet", False) for n in given.rows.split(",") if n]
    work += [(int(float(n) * 1e6), "csv", False) for n in given.csv.split(",") if n]
    work += [(int(float(n) * 1e6), "parquet", True) for n in given.units.split(",") if n]
    for rows, kind, units in work:
        path = folder / f"{rows}{'-units' if units else ''}.{kind}"
        # In a process of its own: what a child is started from counts towards its peak memory.
        maker = multiprocessing.get_context("spawn").Process(target=make, args=(path, rows, rows // 10 if units else None))
        maker.start()
        maker.join()
        assert maker.exitcode == 0
        config = path.with_suffix(".toml" if kind == "parquet" else ".csv.toml")
        unit = 'unit = "user_id"' if units else ""
        config.write_text(CONFIG.format(path=path.name, streaming=given.streaming, unit=unit))
        own, other = [], []
        for _ in range(given.repeat):
            own.append(itog(given.binary, config))
            other.append(child(peer(path, threads, units)))
        a, b = ([statistics.median(column) for column in zip(*runs)] for runs in (own, other))
        ratio = statistics.median(x[0] / y[0] for x, y in zip(own, other))
        name = "DuckDB" if kind == "parquet" else "polars"
        print(
            f"| {rows / 1e6:g} M rows {kind}{', ten a unit' if units else ''} | {a[0]:.2f} ({a[1]:.2f}) | {name} {b[0]:.2f} ({b[1]:.2f}) | {ratio:.2f} |"
            f" {a[1] / b[1]:.2f} | {a[2]:.0f} | {b[2]:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
