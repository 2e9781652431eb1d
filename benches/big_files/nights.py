#!/usr/bin/env python3
"""Times nights that add to the ones before (`incremental = true`) against nights that read everything, on a file a day.

    python3 benches/big_files/nights.py target/release/itog [--rows 1000000] [--days 28] [--folder DIR]

Needs numpy and pyarrow. Every night is a whole `itog run`: report, charts, archive. The last nights are made twice, in turn: adding,
and with --full. Both must say the same numbers.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

CONFIG = """[experiment]
id = "nights"
title = "Nights"
status = "running"
start = 2026-03-01
end = 2026-03-31
[design]
control = "A"
[data]
path = "day-*.parquet"
group = "group"
time = "at"
incremental = true
[[metric]]
id = "arpu"
value = "revenue"
role = "primary"
test = "welch"
[[metric]]
id = "conversion"
kind = "proportion"
value = "revenue > 0"
[[metric]]
id = "sessions"
value = "sessions"
test = "welch"
"""


def make(path: Path, day: int, rows: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as parquet

    rng = np.random.default_rng(day)
    group, seconds = rng.integers(0, 2, rows), rng.integers(0, 86_400, rows)
    buys = rng.random(rows) < 0.05 + 0.002 * group
    midnight = 1_772_323_200 + (day - 1) * 86_400
    columns = {
        "at": pa.array((midnight + seconds) * 1_000_000, pa.timestamp("us")),
        "group": pa.array(np.where(group == 0, "A", "B")),
        "revenue": np.where(buys, np.round(rng.lognormal(3, 1, rows), 2), 0.0),
        "sessions": rng.poisson(3, rows).astype(np.int32),
    }
    parquet.write_table(pa.table(columns), path)


def night(binary: str, folder: Path, day: int, *more: str) -> tuple[float, list]:
    command = [binary, "run", "x.toml", "--quiet", "--date", f"2026-03-{day:02}", "--out", "out", *more]
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - start
    results = json.loads((folder / f"out/2026-03-{day:02}/nights/results.json").read_text())
    return took, results["metrics"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("itog")
    parser.add_argument("--rows", type=int, default=1_000_000, help="a day")
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    binary = str(Path(arguments.itog).resolve())
    folder = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        (folder / "x.toml").write_text(CONFIG)
        added, whole = [], []
        for day in range(1, arguments.days + 1):
            make(folder / f"day-{day:02}.parquet", day, arguments.rows)
            took, kept = night(binary, folder, day)
            # Every seventh day everything is read anyway (2026-03-05 is the first of them).
            if day > arguments.days - 6 and day % 7 != 5:
                again, full = night(binary, folder, day, "--full")
                assert kept == full, f"the night of day {day} differs from reading everything"
                added.append(took)
                whole.append(again)
        ratio = statistics.median(b / a for a, b in zip(added, whole))
        print(
            f"{arguments.days} days of {arguments.rows} rows, the last {len(added)} nights that add: "
            f"{statistics.median(added):.2f} s, with --full {statistics.median(whole):.2f} s, {ratio:.1f} times as long; the same numbers"
        )
    finally:
        shutil.rmtree(folder)


main()
