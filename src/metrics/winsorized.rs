//! A mean with its extreme values drawn in to quantiles of all groups together, the plain mean beside it.

use super::adjusted::Known;
use super::arms::Layout;
use super::mean::Mean;
use super::outcome::{Beside, Driver, GroupOutcome, Handling, NamedTest, Way, Winsorized};
use super::{Effects, Estimator, Seed, Simultaneous, mean_of};
use crate::config::valid::{Metric, Winsorize};
use crate::data::GroupValues;
use crate::stats::winsorize::{bounds, winsorized};
use crate::stats::{Level, Undefined};

/// The winsorised mean decides, the plain one stands beside it.
pub struct WinsorizedMean {
    drawn_in: Box<dyn Estimator>,
    plain: Mean,
    what: Winsorized,
}

impl WinsorizedMean {
    /// From values by unit. The bounds do not see the groups, so that they cannot favour one.
    pub fn new(
        metric: &Metric,
        groups: Vec<GroupValues>,
        ends: Winsorize,
        known: Known,
        layout: Layout,
        seed: Seed,
    ) -> Result<Self, Undefined> {
        // The pool of several controls holds their values a second time.
        let own = groups.iter().skip(usize::from(layout.parts > 0));
        let values: Vec<&[f64]> = own.filter_map(|group| group.values.first()).map(Vec::as_slice).collect();
        let limits = bounds(&values, ends.lower, ends.upper)?;
        let counted: Vec<_> = values.iter().map(|values| winsorized(values, limits)).collect();
        let what = Winsorized {
            low: (ends.lower > 0.0).then_some(limits.low),
            high: (ends.upper < 1.0).then_some(limits.high),
            raised: counted.iter().map(|group| group.count_low).sum(),
            lowered: counted.iter().map(|group| group.count_high).sum(),
        };
        let plain = Mean::from_values(metric, groups.clone(), seed)?;
        let drawn_in = groups
            .into_iter()
            .map(|mut group| {
                group.values = group.values.iter().map(|values| winsorized(values, limits).values).collect();
                group
            })
            .collect();
        let (drawn_in, _) = mean_of(metric, drawn_in, known, layout, seed)?;
        Ok(WinsorizedMean { drawn_in, plain, what })
    }
}

impl Estimator for WinsorizedMean {
    fn groups(&self, level: Level) -> Vec<GroupOutcome> {
        self.drawn_in.groups(level)
    }

    fn omnibus(&self, from: usize) -> Option<NamedTest> {
        self.drawn_in.omnibus(from)
    }

    fn tests(&self, control: usize, treatment: usize) -> Result<Vec<NamedTest>, Undefined> {
        self.drawn_in.tests(control, treatment)
    }

    fn effects(&self, control: usize, treatment: usize, level: Level) -> Effects {
        self.drawn_in.effects(control, treatment, level)
    }

    fn point(&self, group: usize) -> Option<(f64, f64)> {
        self.drawn_in.point(group)
    }

    fn unit_variance(&self, group: usize) -> Option<f64> {
        self.drawn_in.unit_variance(group)
    }

    fn simultaneous(&self, pairs: &[(usize, usize)], tukey: bool, level: Level) -> Option<Vec<Simultaneous>> {
        self.drawn_in.simultaneous(pairs, tukey, level)
    }

    fn driver(&self, control: usize, treatment: usize) -> Option<Driver> {
        self.drawn_in.driver(control, treatment)
    }

    fn beside(&self, control: usize, treatment: usize, level: Level) -> Vec<Beside> {
        let mut beside = self.drawn_in.beside(control, treatment, level);
        let absolute = self.plain.effects(control, treatment, level).absolute;
        let test = self.plain.tests(control, treatment).ok().and_then(|tests| tests.into_iter().next());
        beside.extend(absolute.zip(test).map(|(absolute, test)| Beside {
            way: Way::NotWinsorized,
            absolute,
            test,
        }));
        beside
    }

    fn handling(&self) -> Handling {
        Handling { winsorized: Some(self.what), ..self.drawn_in.handling() }
    }

    fn choice(&self) -> Vec<&'static str> {
        self.drawn_in.choice()
    }
}
