"""The statistics of `benches/functions.rs` by scipy, on samples of the same law and size. Prints a JSON line: case → seconds of
the fastest of a few calls, as a peer is to be measured at its best.

usage: functions.py
"""

import json, time

import numpy as np
from scipy import stats


def fastest(call, times):
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return min(spent)


rng = np.random.default_rng(1)
x, y = rng.lognormal(size=1_000_000), rng.lognormal(size=1_000_000)
a, b = x[:100_000], y[:100_000]
difference = lambda first, second, axis=-1: first.mean(axis=axis) - second.mean(axis=axis)


def bootstrap():
    # In batches: all 10,000 at once would need 8 GB.
    return stats.bootstrap((a, b), difference, n_resamples=1_000, batch=50, method="percentile", vectorized=True, rng=rng)


print(json.dumps({
    "Mann-Whitney, 1 M + 1 M": fastest(lambda: stats.mannwhitneyu(x, y), 3),
    "Mann-Whitney, 1 M + 1 M, many ties": fastest(lambda: stats.mannwhitneyu(x.round(1), y.round(1)), 3),
    "Welch, 1 M + 1 M": fastest(lambda: stats.ttest_ind(x, y, equal_var=False), 5),
    "Shapiro-Wilk, 5 000": fastest(lambda: stats.shapiro(x[:5_000]), 200),
    # A tenth of the replicates, times ten: they cost the same one by one.
    "bootstrap of means, 10 000 of 2 x 100 000": 10 * fastest(bootstrap, 1),
}))
