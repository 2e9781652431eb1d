//! The numbers of a metric from rows beside those from sums.

use itog::metrics::outcome::MetricOutcome;

/// Equal to 1e-9.
pub fn same(what: &str, a: Option<f64>, b: Option<f64>) {
    let close = match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1e-3),
        (a, b) => a.is_none() && b.is_none(),
    };
    assert!(close, "{what}: {a:?} from rows, {b:?} from sums");
}

/// Every number that both ways give is the same.
pub fn compare(rows: &MetricOutcome, sums: &MetricOutcome) {
    let id = &rows.metric.id;
    assert_eq!(rows.undefined, sums.undefined, "{id}");
    assert_eq!(rows.comparisons.len(), sums.comparisons.len(), "{id}");
    for (a, b) in rows.groups.iter().zip(&sums.groups) {
        let what = format!("{id} {}", a.id);
        assert_eq!((&a.id, a.n, a.successes, a.missing), (&b.id, b.n, b.successes, b.missing), "{what}");
        same(&what, a.mean, b.mean);
        same(&what, a.sd, b.sd);
        same(&what, a.ci.map(|ci| ci.0), b.ci.map(|ci| ci.0));
        same(&what, a.max, b.max);
        if !sums.choice.contains(&"sums-no-values") {
            same(&what, a.median, b.median);
        }
        same(&what, a.skewness, b.skewness);
    }
    for (a, b) in rows.comparisons.iter().zip(&sums.comparisons) {
        let what = format!("{id} {} {}", a.control, a.treatment);
        assert_eq!(
            (a.deciding.test, a.significant, a.direction),
            (b.deciding.test, b.significant, b.direction),
            "{what}"
        );
        same(&what, Some(a.deciding.statistic), Some(b.deciding.statistic));
        same(&what, Some(a.p_adjusted), Some(b.p_adjusted));
        same(&what, a.deciding.df, b.deciding.df);
        for (a, b) in [(a.absolute, b.absolute), (a.relative, b.relative), (a.shift, b.shift)] {
            same(&what, a.map(|e| e.estimate), b.map(|e| e.estimate));
            same(&what, a.and_then(|e| e.ci).map(|ci| ci.0), b.and_then(|e| e.ci).map(|ci| ci.0));
            same(&what, a.and_then(|e| e.ci).map(|ci| ci.1), b.and_then(|e| e.ci).map(|ci| ci.1));
        }
        same(&what, a.adjustment.as_ref().map(|x| x.ratio), b.adjustment.as_ref().map(|x| x.ratio));
        same(&what, a.driver.as_ref().map(|x| x.share), b.driver.as_ref().map(|x| x.share));
    }
}
