"""The shipped experiments as an analyst would report them with pandas, scipy, statsmodels, matplotlib, networkx, Jinja2 and WeasyPrint:
the same configs and data, the same analyses and charts, and of each report HTML, PDF, results.json and every chart as SVG and PNG.

What has no counterpart in these libraries is left out, in Python's favour: group-sequential planning, cross-device
dilution, archival and accessible PDF, hyphenation, the digest's comparison with the night before.

usage: reports.py CONFIG_FOLDER OUT
"""

import base64, hashlib, io, itertools, json, pathlib, sqlite3, sys, tomllib

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
from jinja2 import Template
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportion_effectsize, proportions_ztest
from weasyprint import HTML

RELABELLINGS = 2000  # as many as `itog run` makes a night
REPLICATES = 9999

PAGE = Template("""<!doctype html><html lang=ru><meta charset=utf-8><title>{{title}}</title><style>@page{size:A4;margin:18mm;@bottom-right{content:counter(page)}}
body{font:10pt/1.45 "DejaVu Sans",sans-serif}h2{break-after:avoid}img{max-width:100%}figure{break-inside:avoid;margin:0 0 8mm}td,th{border-bottom:1px solid #ccc;padding:2px 6px;text-align:right}
table{border-collapse:collapse;margin-bottom:6mm}</style><h1>{{title}}</h1><p>{{hypothesis}}</p>{% for n in notes %}<p>{{n}}</p>{% endfor %}
<ol>{% for s in sections %}<li><a href="#s{{loop.index}}">{{s.title}}</a></li>{% endfor %}</ol>
{% for s in sections %}<h2 id="s{{loop.index}}">{{s.title}}</h2>{% for p in s.texts %}<p>{{p}}</p>{% endfor %}{% for t in s.tables %}{{t}}{% endfor %}
{% for name, src in s.figures %}<figure><img alt="{{name}}" src="{{src}}"><figcaption>{{name}}</figcaption></figure>{% endfor %}{% endfor %}</html>""")


class Report:
    def __init__(self, config, out):
        self.config, self.out = config, out / config["experiment"]["id"]
        (self.out / "charts").mkdir(parents=True, exist_ok=True)
        self.sections, self.results = [], {}

    def section(self, title):
        self.sections.append({"title": title, "texts": [], "tables": [], "figures": []})

    def say(self, text):
        self.sections[-1]["texts"].append(text)

    def table(self, rows):
        self.sections[-1]["tables"].append(pd.DataFrame(rows).to_html(index=False, float_format="%.4g"))

    def figure(self, name, fig):
        svg = io.StringIO()
        fig.savefig(svg, format="svg", bbox_inches="tight")
        fig.savefig(self.out / "charts" / f"{name}.png", dpi=180, bbox_inches="tight")
        plt.close(fig)
        (self.out / "charts" / f"{name}.svg").write_text(svg.getvalue())
        coded = base64.b64encode(svg.getvalue().encode()).decode()
        self.sections[-1]["figures"].append((name, "data:image/svg+xml;base64," + coded))

    def finish(self):
        e = self.config["experiment"]
        html = PAGE.render(title=e["title"], hypothesis=e.get("hypothesis", ""), notes=e.get("notes", []), sections=self.sections)
        (self.out / "report.html").write_text(html)
        HTML(string=html).write_pdf(self.out / "report.pdf")
        (self.out / "results.json").write_text(json.dumps(self.results, ensure_ascii=False, indent=2, default=float))
        return e["id"], e["title"], self.results


def described(report, frame):
    report.section("Данные")
    report.table(frame.describe().T.reset_index())
    rows = [{"столбец": c, "пропусков": frame[c].isna().sum(), "отрицательных": (frame[c] < 0).sum() if frame[c].dtype.kind in "if" else 0} for c in frame]
    report.table(rows)


def sample_ratio(report, sizes, weights):
    expected = np.array(weights) / sum(weights) * sum(sizes)
    p = stats.chisquare(sizes, expected).pvalue
    report.section("Деление на группы")
    report.say(f"χ², p = {p:.4f}")
    report.results["srm"] = p


def mean_metric(report, metric, a, b, deciding, alpha):
    name = metric["id"]
    report.section(metric.get("title", name))
    for group, x in (("A", a), ("B", b)):
        w = stats.shapiro(x) if len(x) <= 5000 else stats.normaltest(x)
        low, high = stats.t.interval(1 - alpha, len(x) - 1, x.mean(), stats.sem(x))
        report.table([{"группа": group, "n": len(x), "среднее": x.mean(), "ст. откл.": x.std(ddof=1), "медиана": np.median(x), "асимметрия": stats.skew(x),
                       "эксцесс": stats.kurtosis(x), "от": low, "до": high, "p нормальности": w.pvalue}])
    difference = lambda x, y, axis=-1: y.mean(axis=axis) - x.mean(axis=axis)
    boot = stats.bootstrap((a, b), difference, n_resamples=REPLICATES, method="percentile", vectorized=True, batch=500, rng=np.random.default_rng(1))
    welch, student = stats.ttest_ind(a, b, equal_var=False), stats.ttest_ind(a, b)
    mw, bm = stats.mannwhitneyu(a, b), stats.brunnermunzel(a, b)
    ci = welch.confidence_interval(1 - alpha)
    report.table([{"критерий": t, "статистика": r.statistic, "p": r.pvalue} for t, r in (("Уэлч", welch), ("Стьюдент", student), ("Манн — Уитни", mw), ("Бруннер — Мунцель", bm))])
    if deciding == "mann-whitney":
        shifts = np.subtract.outer(b, a).ravel()
        n, m = len(a), len(b)
        k = int(n * m / 2 - stats.norm.ppf(1 - alpha / 2) * np.sqrt(n * m * (n + m + 1) / 12))
        shifts = np.partition(shifts, [k, n * m // 2, n * m - k - 1])
        report.say(f"сдвиг Ходжеса — Лемана {shifts[n * m // 2]:.4g} ({shifts[k]:.4g}; {shifts[n * m - k - 1]:.4g})")
    report.say(f"разность {b.mean() - a.mean():.4g} ({-ci.high:.4g}; {-ci.low:.4g}), бутстреп {boot.confidence_interval}")
    report.results[name] = {"welch": welch.pvalue, "mann-whitney": mw.pvalue, "effect": b.mean() - a.mean(), "ci": [-ci.high, -ci.low], "bootstrap": list(boot.confidence_interval)}

    fig, axes = plt.subplots(2, 1, figsize=(8, 5), sharex=True)
    for axis, x, group in zip(axes, (a, b), "AB"):
        axis.hist(x, bins=60, log=True); axis.axvline(x.mean(), color="k"); axis.set_ylabel(group)
    report.figure(f"metric-{name}-distribution", fig)
    fig, axes = plt.subplots(1, 2, figsize=(8, 4))
    for axis, x in zip(axes, (a, b)):
        (theory, sample), (slope, middle, _) = stats.probplot(x)
        shown = np.unique(np.geomspace(1, len(x), 200).astype(int) - 1)
        shown = np.union1d(shown, len(x) - 1 - shown)  # every point at the ends, few in the middle: WeasyPrint draws each by itself
        axis.plot(theory[shown], sample[shown], "o", ms=3)
        axis.plot(theory[[0, -1]], middle + slope * theory[[0, -1]])
    report.figure(f"metric-{name}-qq", fig)
    fig, axis = plt.subplots(figsize=(8, 3)); axis.hist(boot.bootstrap_distribution, bins=60); axis.axvline(0, color="k")
    report.figure(f"metric-{name}-bootstrap", fig)
    values_and_effect(report, name, [(g, x.mean(), stats.sem(x)) for g, x in (("A", a), ("B", b))], [("B − A", b.mean() - a.mean(), (ci.high - ci.low) / 3.92)])


def values_and_effect(report, name, groups, effects):
    for what, rows in (("values", groups), ("effect", effects)):
        fig, axis = plt.subplots(figsize=(8, 1.2 + 0.5 * len(rows)))
        axis.errorbar([r[1] for r in rows], range(len(rows)), xerr=[1.96 * r[2] for r in rows], fmt="o", capsize=3)
        axis.set_yticks(range(len(rows)), [r[0] for r in rows])
        for y, r in enumerate(rows):
            axis.annotate(f"{r[1]:.4g}", (r[1], y), textcoords="offset points", xytext=(0, 6), ha="center")
        if what == "effect":
            axis.axvline(0, color="k", lw=0.8)
        report.figure(f"metric-{name}-{what}", fig)


def proportion_metric(report, metric, counts, alpha, correction):
    name, groups = metric["id"], list(counts)
    report.section(metric.get("title", name))
    rows = []
    for g, (c, n) in counts.items():
        low, high = proportion_confint(c, n, alpha, method="wilson")
        rows.append({"группа": g, "успехов": c, "из": n, "доля": c / n, "от": low, "до": high})
    report.table(rows)
    tests, effects = [], []
    for i, j in itertools.combinations(groups, 2):
        (c1, n1), (c2, n2) = counts[i], counts[j]
        z, p = proportions_ztest([c1, c2], [n1, n2])
        table = [[c1, n1 - c1], [c2, n2 - c2]]
        low, high = confint_proportions_2indep(c2, n2, c1, n1, compare="diff", method="newcomb", alpha=alpha)
        ratio = confint_proportions_2indep(c2, n2, c1, n1, compare="ratio", method="score", alpha=alpha)
        tests.append({"пара": f"{j} − {i}", "z": z, "p": p, "χ²": stats.chi2_contingency(table, correction=False).pvalue, "Фишер": stats.fisher_exact(table).pvalue,
                      "разность": c2 / n2 - c1 / n1, "от": low, "до": high, "отношение от": ratio[0], "до ": ratio[1]})
        effects.append((f"{j} − {i}", c2 / n2 - c1 / n1, (high - low) / 3.92))
    for test, adjusted in zip(tests, multipletests([t["p"] for t in tests], alpha=alpha, method=correction)[1]):
        test["p с поправкой"] = adjusted
    report.table(tests)
    report.results[name] = tests
    values_and_effect(report, name, [(g, c / n, (c / n * (1 - c / n) / n) ** 0.5) for g, (c, n) in counts.items()], effects)


def summary_metric(report, metric, alpha):
    name, (a, b) = metric["id"], metric["summary"].values()
    report.section(metric.get("title", name))
    numbers = (a["mean"], a["sd"], a["n"], b["mean"], b["sd"], b["n"])
    welch, student = (stats.ttest_ind_from_stats(*numbers, equal_var=equal) for equal in (False, True))
    error = (a["sd"] ** 2 / a["n"] + b["sd"] ** 2 / b["n"]) ** 0.5
    report.table([{"критерий": n, "t": r.statistic, "p": r.pvalue} for n, r in (("Уэлч", welch), ("Стьюдент", student))])
    report.results[name] = {"welch": welch.pvalue, "effect": b["mean"] - a["mean"]}
    groups = [(g, s["mean"], s["sd"] / s["n"] ** 0.5) for g, s in metric["summary"].items()]
    values_and_effect(report, name, groups, [("B − A", b["mean"] - a["mean"], error)])


def aa_run(report, columns, alpha):
    """Random halves of all units, thousands of times: sums of all metrics by matrix products, which is as fast as numpy gets."""
    rng, found = np.random.default_rng(2), {name: [] for name in columns}
    prepared = {}
    for name, (x, mask, test) in columns.items():
        y = np.where(mask, stats.rankdata(np.where(mask, x, np.nan), nan_policy="omit") if test == "mann-whitney" else x, 0.0)
        prepared[name] = (np.column_stack([mask, y, y * y]).astype(float), test)
    units = len(next(iter(columns.values()))[0])
    for _ in range(0, RELABELLINGS, 250):
        labels = rng.integers(0, 2, (250, units), dtype=np.int8).astype(float)
        for name, (sums, test) in prepared.items():
            n1, s1, q1 = (labels @ sums).T
            n, s, q = sums.sum(axis=0)
            n2, s2, q2 = n - n1, s - s1, q - q1
            if test == "mann-whitney":
                u = s1 - n1 * (n1 + 1) / 2
                z = (np.abs(u - n1 * n2 / 2) - 0.5) / np.sqrt(n1 * n2 * (q - s * s / n) / (n * (n - 1)))
                found[name].extend(2 * stats.norm.sf(z))
            else:
                v1, v2 = (q1 - s1 * s1 / n1) / (n1 - 1) / n1, (q2 - s2 * s2 / n2) / (n2 - 1) / n2
                df = (v1 + v2) ** 2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))
                found[name].extend(2 * stats.t.sf(np.abs(s1 / n1 - s2 / n2) / np.sqrt(v1 + v2), df))
    report.section("Проверка A/A")
    for name, p in found.items():
        false = int((np.array(p) < alpha).sum())
        low, high = proportion_confint(false, len(p), method="wilson")
        report.say(f"{name}: {false / len(p):.4f} ({low:.4f}; {high:.4f}), Колмогоров p = {stats.kstest(p, 'uniform').pvalue:.3f}")
    fig, axes = plt.subplots(1, len(found), figsize=(8, 3))
    for axis, (name, p) in zip(axes, found.items()):
        axis.hist(p, bins=20); axis.set_title(name)
    report.figure("proof-pvalues", fig)


def plan(report, plan, power_of_design):
    report.section(plan.get("title", plan["id"]))
    alpha = plan.get("alpha", 1 - plan["confidence"] if "confidence" in plan else 0.05)
    power = plan.get("power", power_of_design)
    lift = plan.get("lift", plan["baseline"] * plan.get("relative_lift", 0))
    size = lambda by, target: NormalIndPower().solve_power(effect_size=proportion_effectsize(plan["baseline"] + by, plan["baseline"]), power=target, alpha=alpha)
    n = size(lift, power)
    days = lambda n: n * plan["groups"] / (plan["traffic"]["users"] / plan["traffic"]["days"])
    scenarios = [{"прирост": by, "мощность": p, "n": size(by, p), "дней": days(size(by, p))} for by in lift * np.array([0.5, 0.75, 1, 1.5, 2]) for p in (0.8, 0.87, 0.9, 0.95)]
    report.table(scenarios)
    report.results[plan["id"]] = {"n": n, "days": days(n)}
    lifts = np.geomspace(lift / 4, lift * 4, 60)
    fig, axis = plt.subplots(figsize=(8, 3.5))
    for p in (0.8, power, 0.95):
        axis.plot(lifts, [days(size(by, p)) for by in lifts], label=f"{p:.0%}")
    axis.set_yscale("log"); axis.axvline(lift, color="k", lw=0.8); axis.legend()
    report.figure(f"plan-{plan['id']}-duration", fig)


def graph(report, architecture):
    report.section(architecture["title"])
    nodes = {n["id"]: n for n in architecture["node"]}
    lanes = {l["id"]: i for i, l in enumerate(architecture["lane"])}
    g = nx.DiGraph([(e["from"], e["to"]) for e in architecture["edge"]])
    g.add_nodes_from(nodes)
    for node in g:
        g.nodes[node]["lane"] = lanes[nodes[node]["lane"]]
    place = nx.multipartite_layout(g, subset_key="lane", align="horizontal")
    fig = plt.figure(figsize=(15, 10))
    nx.draw(g, place, labels={i: nodes[i]["title"] for i in g}, node_size=3000, node_color="lightblue", font_size=9, arrows=True)
    nx.draw_networkx_edge_labels(g, place, {(e["from"], e["to"]): e.get("label", "") for e in architecture["edge"]}, font_size=7)
    report.figure("architecture-graph", fig)
    report.table([{"из": e["from"], "в": e["to"], "что": e.get("label", "")} for e in architecture["edge"]])


def experiment(path, out):
    config = tomllib.loads(path.read_text())
    report, design = Report(config, out), config.get("design", {})
    alpha = design.get("alpha", 1 - design["confidence"] if "confidence" in design else 0.05)
    metrics = config.get("metric", [])
    if "data" in config:
        frame = pd.read_csv(path.parent / config["data"]["path"])
        group = frame[config["data"]["group"]]
        described(report, frame)
        sample_ratio(report, [int((group == g).sum()) for g in design["allocation"]], list(design["allocation"].values()))
        columns = {}
        for metric in metrics:
            x, mask = frame[metric["value"]].to_numpy(float), np.ones(len(frame), bool)
            if "where" in metric:
                mask = frame.query(metric["where"].replace(" = ", " == ")).index
                mask = np.isin(frame.index, mask)
            a, b = (x[mask & (group == g).to_numpy()] for g in ("A", "B"))
            if metric["kind"] == "proportion":
                proportion_metric(report, metric, {"A": (int(a.sum()), len(a)), "B": (int(b.sum()), len(b))}, alpha, design.get("correction", "holm"))
            else:
                mean_metric(report, metric, a, b, metric.get("test"), alpha)
            columns[metric["id"]] = (x, mask, metric.get("test", "welch"))
        aa_run(report, columns, alpha)
    else:
        for metric in metrics:
            if "summary" in metric:
                sample_ratio(report, [s["n"] for s in metric["summary"].values()], [1] * len(metric["summary"]))
                summary_metric(report, metric, alpha)
            elif "counts" in metric:
                counts = {g: (c["successes"], c["n"]) for g, c in metric["counts"].items()}
                sample_ratio(report, [n for _, n in counts.values()], [1] * len(counts))
                proportion_metric(report, metric, counts, alpha, design.get("correction", "holm"))
    for one in config.get("plan", []):
        plan(report, one, design.get("power", 0.8))
    for choice in config.get("test_choice", []):
        report.section(choice["metric"])
        report.say("Распределение не нормальное: дельта-метод или бутстреп." if choice["normality"]["p"] < choice["alpha"] else "Критерий Уэлча.")
    if "architecture" in config:
        graph(report, config["architecture"])
    return report.finish()


def main():
    configs, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    done = [experiment(path, out) for path in sorted(configs.glob("*.toml")) if path.name != "delivery.toml"]
    html = "<!doctype html><meta charset=utf-8><title>Итоги</title><table>" + "".join(f"<tr><td><a href='{i}/report.html'>{t}</a>" for i, t, _ in done) + "</table>"
    (out / "index.html").write_text(html)
    HTML(string=html).write_pdf(out / "digest.pdf")
    with sqlite3.connect(out / "archive.sqlite") as archive:
        archive.execute("CREATE TABLE IF NOT EXISTS runs (id TEXT, hash TEXT, results TEXT)")
        for i, _, results in done:
            text = json.dumps(results, default=float)
            archive.execute("INSERT INTO runs VALUES (?, ?, ?)", (i, hashlib.sha256(text.encode()).hexdigest(), text))


main()
