#!/usr/bin/env python3
"""itog against Python, in turns on this machine: the shipped experiments whole, and single statistics.

Sets up a virtual environment with the versions of requirements.txt (WeasyPrint needs the Debian packages libpango-1.0-0 and
libpangoft2-1.0-0), builds the program and its bench, and runs both sides in turn, so that whatever else the machine does meets
both. Prints medians of time, processor time and peak memory with their ratios, and of the functions.

usage: compare.py [--rounds N] [--venv DIR] [--itog PROGRAM] [--functions BENCH]    (programs that are built already)
"""

import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time, venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def environment(folder):
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
    return python


def built(arguments):
    """The program and the bench, made by cargo unless they were named."""
    if arguments.itog and arguments.functions:
        return arguments.itog, arguments.functions
    command = ["cargo", "build", "--release", "--bin", "itog", "--bench", "functions", "--message-format", "json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    made = [json.loads(line) for line in lines if line.startswith("{")]
    by_name = {m["target"]["name"]: m["executable"] for m in made if m.get("executable")}
    return by_name["itog"], by_name["functions"]


def memory(pid):
    """Memory of a process and its children now, in MiB; pages that they share count once."""
    total, waiting = 0, [pid]
    while waiting:
        process = pathlib.Path("/proc") / str(waiting.pop())
        try:
            rollup = (process / "smaps_rollup").read_text()
            total += int(rollup.split("\nPss:", 1)[1].split(None, 1)[0])
            for task in (process / "task").iterdir():
                waiting.extend((task / "children").read_text().split())
        except (OSError, IndexError, ValueError):
            pass  # it has just ended
    return total / 1024


def measured(command):
    """Seconds by the clock, seconds of processors and peak memory in MiB of a command and its children."""
    began, peak = time.perf_counter(), 0.0
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, memory(child.pid))
        time.sleep(0.02)
    elapsed = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{command} failed")
    return elapsed, usage.ru_utime + usage.ru_stime, peak


def reports(itog, python, rounds):
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for index in range(rounds):
            out = pathlib.Path(scratch) / str(index)
            ours.append(measured([itog, "run", ROOT / "config", "--out", out / "itog", "--date", "2026-11-22", "--quiet"]))
            theirs.append(measured([python, HERE / "reports.py", ROOT / "config", out / "python"]))
            shutil.rmtree(out)
    print(f"the shipped experiments: HTML, PDF, charts as SVG and PNG, archive; medians of {rounds} paired runs\n")
    print(f"{'':<22}{'itog':>12}{'Python':>12}{'ratio':>10}")
    for what, unit, column in (("time", "s", 0), ("processor time", "s", 1), ("peak memory", "MiB", 2)):
        a, b = (statistics.median(run[column] for run in runs) for runs in (ours, theirs))
        ratio = statistics.median(t[column] / o[column] for o, t in zip(ours, theirs))
        print(f"{what + ', ' + unit:<22}{a:>12.2f}{b:>12.2f}{ratio:>9.1f}x")


def functions(bench, python, rounds):
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(rounds):
            saved = pathlib.Path(scratch) / "seconds.json"
            subprocess.run([bench, "--only", "statistics", "--seconds", saved], check=True, stdout=subprocess.DEVNULL)
            ours.append(json.loads(saved.read_text()))
            answer = subprocess.run([python, HERE / "functions.py"], check=True, stdout=subprocess.PIPE, text=True)
            theirs.append(json.loads(answer.stdout))
    print(f"\nstatistics against scipy, the fastest call of each; medians of {rounds} paired runs\n")
    print(f"{'':<46}{'itog, ms':>10}{'scipy, ms':>12}{'ratio':>10}")
    for case in theirs[0]:
        a, b = (statistics.median(run[case] for run in runs) * 1e3 for runs in (ours, theirs))
        ratio = statistics.median(t[case] / o[case] for o, t in zip(ours, theirs))
        print(f"{case:<46}{a:>10.3f}{b:>12.3f}{ratio:>9.1f}x")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--venv", type=pathlib.Path, default=HERE / ".venv")
    parser.add_argument("--itog")
    parser.add_argument("--functions")
    arguments = parser.parse_args()
    python = environment(arguments.venv)
    itog, bench = built(arguments)
    reports(itog, python, arguments.rounds)
    functions(bench, python, arguments.rounds)


main()
