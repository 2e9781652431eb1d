use super::*;
use crate::stats::group_sequential::boundaries;
use proptest::prelude::*;

fn look(day: i32, information: f64, z: f64) -> Look {
    // One unit of information has the standard error 1.
    let se = 1.0 / information.sqrt();
    Look { day, information, effect: Some(Effect { estimate: z * se, se }) }
}

fn nightly(z: &[f64], information: f64) -> Vec<Look> {
    (1..).zip(z).map(|(day, &z)| look(day, information * f64::from(day), z)).collect()
}

fn planned(information: f64) -> Plan {
    Plan::usual(Some(information), information, 0.05)
}

fn open(plan: &Plan, looks: &[Look]) -> Monitoring {
    monitor(plan, looks, Closing::Open).unwrap()
}

#[test]
fn a_test_goes_from_too_early_to_its_end() {
    let plan = planned(1000.0);
    let states: Vec<State> =
        (1..=11).map(|nights| open(&plan, &nightly(&vec![1.0; nights], 100.0)).state).collect();
    assert_eq!(states[0], State::TooEarly);
    assert_eq!(states[2..9], [State::Inside; 7]);
    assert_eq!(states[9..], [State::NotCrossed, State::Overrun]);
    let end = open(&plan, &nightly(&[1.0; 10], 100.0));
    assert_eq!(end.looks[9].standing, Standing::Final);
    assert!((end.spent.unwrap() - 0.05).abs() < 1e-15);
    assert_eq!(end.p.unwrap().kind, PValueKind::Stagewise);
    assert!(end.forecast.is_none());
}

#[test]
fn boundaries_are_those_of_the_group_sequential_test() {
    let answer = open(&planned(500.0), &nightly(&[0.0; 5], 100.0));
    let z = boundaries(&[0.2, 0.4, 0.6, 0.8, 1.0], 0.05, Spending::ObrienFleming).unwrap().z;
    for (look, z) in answer.looks.iter().zip(z) {
        assert!((look.boundary_z.unwrap() - z).abs() < 1e-12);
        assert!((look.effect_boundary.unwrap() - z / look.information.sqrt()).abs() < 1e-12);
    }
}

#[test]
fn the_first_crossing_decides_and_later_nights_only_comment() {
    let plan = planned(1000.0);
    let z = [0.5, 1.0, 2.0, 3.5, 3.6, 1.0, -3.2];
    let at = |nights: usize| open(&plan, &nightly(&z[..nights], 100.0));
    assert_eq!(at(3).state, State::Inside);
    assert_eq!((at(4).state, at(4).since), (State::CrossedUp, None));
    assert_eq!((at(5).state, at(5).since), (State::CrossedUp, Some(Since::Holds)));
    assert_eq!((at(6).state, at(6).since), (State::CrossedUp, Some(Since::Faded)));
    assert_eq!((at(7).state, at(7).since), (State::CrossedUp, Some(Since::Reversed)));
    assert!(at(7).contradictory && !at(6).contradictory);
    for nights in 4..=7 {
        assert_eq!(at(nights).crossed, Some(Crossing { look: 3, day: 4, up: true }));
        assert_eq!((at(nights).p, at(nights).interval), (at(4).p, at(4).interval));
    }
    // The estimate at a crossing is drawn in from the naive one.
    let naive = 3.5 / 400_f64.sqrt();
    assert!(at(4).estimate.unwrap() < naive && at(4).estimate.unwrap() > 0.9 * naive);
}

#[test]
fn nights_without_news_are_no_looks() {
    let plan = planned(1000.0);
    let mut looks = nightly(&[1.0, 1.1, 1.2, 1.3], 100.0);
    let without = open(&plan, &looks);
    let day = |day: i32, information: f64, z: f64| look(day, information, z);
    looks.extend([day(5, 400.0, 5.0), day(6, 390.0, 5.0), day(7, 400.5, 5.0)]);
    looks.push(Look { day: 8, information: 450.0, effect: None });
    looks.push(Look { day: 9, information: 450.0, effect: Some(Effect { estimate: 1.0, se: 0.0 }) });
    let with = open(&plan, &looks);
    let standings: Vec<Standing> = with.looks[4..].iter().map(|look| look.standing).collect();
    use Standing::{NoEstimate, NothingNew, Shrunk};
    assert_eq!(standings, [NothingNew, Shrunk, NothingNew, NoEstimate, NoEstimate]);
    assert_eq!((with.state, with.crossed, with.spent), (without.state, None, without.spent));
    // The next look has the boundary that it would have had without them.
    let next = open(&plan, &[&looks[..], &[day(10, 500.0, 1.0)]].concat());
    let plain = open(&plan, &[&looks[..4], &[day(10, 500.0, 1.0)]].concat());
    assert_eq!(next.looks[9].boundary_z, plain.looks[4].boundary_z);
}

#[test]
fn more_than_planned_is_spent_at_once_and_then_nothing_is_left() {
    let plan = planned(1000.0);
    let looks = [look(1, 500.0, 0.1), look(2, 1030.0, 1.9), look(3, 1100.0, 4.0)];
    let answer = open(&plan, &looks);
    assert_eq!(answer.looks[1].standing, Standing::Final);
    assert_eq!(answer.looks[2].standing, Standing::Overrun);
    assert_eq!((answer.looks[2].boundary_z, answer.state), (None, State::Overrun));
    assert!(answer.p.unwrap().value > 0.05);
}

#[test]
fn a_scheduled_end_short_of_the_plan_spends_what_is_left() {
    let plan = planned(1000.0);
    let looks = nightly(&[0.3, 0.9, 1.5, 1.9, 2.1], 100.0);
    assert_eq!(open(&plan, &looks).state, State::Inside);
    let closed = monitor(&plan, &looks, Closing::Scheduled).unwrap();
    assert_eq!((closed.state, closed.looks[4].standing), (State::CrossedUp, Standing::Final));
    assert!((closed.spent.unwrap() - 0.05).abs() < 1e-15);
    // Also when the last night brought nothing new.
    let again = [&looks[..], &[look(6, 500.0, 2.1)]].concat();
    let closed = monitor(&plan, &again, Closing::Scheduled).unwrap();
    assert_eq!((closed.state, closed.looks[5].standing), (State::CrossedUp, Standing::Final));
}

#[test]
fn a_warm_up_delays_the_first_look() {
    let mut plan = Plan::usual(None, 1000.0, 0.05);
    plan.warm_up = WarmUp { information: 150.0, days: 4 };
    let answer = open(&plan, &nightly(&[6.0, 6.0, 6.0, 6.0], 100.0));
    let standings: Vec<Standing> = answer.looks.iter().map(|look| look.standing).collect();
    use Standing::TooEarly;
    assert_eq!(standings, [TooEarly, TooEarly, TooEarly, Standing::Look]);
    assert_eq!(answer.crossed.unwrap().day, 4);
}

#[test]
fn the_repeated_p_value_is_the_least_alpha_that_would_cross() {
    let z = [0.4, 1.2, 1.7, 2.2];
    let answer = open(&planned(1000.0), &nightly(&z, 150.0));
    let p = answer.p.unwrap();
    assert_eq!((p.kind, answer.state), (PValueKind::Repeated, State::Inside));
    let crossed = |alpha: f64| {
        let plan = Plan { alpha, ..planned(1000.0) };
        open(&plan, &nightly(&z, 150.0)).looks[3].crosses
    };
    assert!(p.value > 0.05 && crossed(p.value * 1.001) && !crossed(p.value * 0.999), "{p:?}");
}

#[test]
fn conditional_power_is_that_of_a_brownian_motion() {
    let futility = Futility { effect: 0.1, least: 0.1 };
    let plan = Plan { futility: Some(futility), ..planned(1000.0) };
    let at = |z: f64| open(&plan, &[look(1, 500.0, z)]).futility.unwrap();
    // One look at half: the last boundary is 1.9686; scipy: norm.sf((c - z√½ - θ/2)/√½), θ = 0.1·√1000.
    let found = at(1.0);
    assert!((found.power_planned - 0.674_384_7).abs() < 1e-7, "{found:?}");
    assert_eq!((found.advice, at(-1.5).advice), (FutilityAdvice::Open, FutilityAdvice::Futile));
    assert_eq!(at(0.0).advice, FutilityAdvice::Weak);
    assert!((at(0.0).power_trend - 0.002_684_53).abs() < 1e-7, "{:?}", at(0.0));
    let mirrored = Plan { futility: Some(Futility { effect: -0.1, least: 0.1 }), ..plan };
    assert_eq!(open(&mirrored, &[look(1, 500.0, -1.0)]).futility.unwrap(), found);
    // Advice never enters a boundary.
    let looks = nightly(&[-1.0, -2.0, -2.0], 200.0);
    assert_eq!(open(&plan, &looks).looks, open(&planned(1000.0), &looks).looks);
}

#[test]
fn the_forecast_follows_the_last_week() {
    let plan = planned(1000.0);
    let mut information = 0.0;
    let looks: Vec<Look> = (1..=14)
        .map(|day| {
            information += if day <= 7 { 10.0 } else { 30.0 };
            look(day, information, 0.5)
        })
        .collect();
    let forecast = open(&plan, &looks).forecast.unwrap();
    // 280 of 1000 are in; 720 are left at 30 a day.
    assert_eq!((forecast.per_day, forecast.days_left), (30.0, 24));
    let next = forecast.next.unwrap();
    let tomorrow = open(&plan, &[&looks[..], &[look(15, 310.0, 0.5)]].concat());
    assert_eq!(tomorrow.looks[14].boundary_z, Some(next.boundary_z));
    assert!(open(&plan, &looks[..1]).forecast.is_none());
}

#[test]
fn sizes_agree_with_another_recursion() {
    let one = efficiency(0.05, 0.8, Some(Spending::ObrienFleming), 1).unwrap();
    assert!((one.inflation - 1.0).abs() < 1e-4 && (one.expected_effect - one.inflation).abs() < 1e-12);
    // The same quantities by the trapezoid rule on a uniform grid of 2001 points, in numpy.
    let reference = [
        (Some(Spending::ObrienFleming), 5, [1.024_716, 1.017_988, 0.823_660, 0.790_295]),
        (Some(Spending::ObrienFleming), 28, [1.049_093, 1.038_388, 0.777_007, 0.780_746]),
        (Some(Spending::Pocock), 5, [1.212_414, 1.183_415, 0.795_569, 0.715_378]),
        (Some(Spending::Pocock), 28, [1.271_200, 1.235_352, 0.771_408, 0.692_289]),
        (None, 28, [1.723_655, 1.714_088, 1.108_847, 0.500_404]),
    ];
    for (spending, looks, expected) in reference {
        let found = efficiency(0.05, 0.8, spending, looks).unwrap();
        let found = [found.inflation, found.expected_null, found.expected_effect, found.power_uninflated];
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 2e-5, "{spending:?} {looks}: {found:?} is not {expected:?}");
        }
    }
    assert_eq!(efficiency(0.05, 0.8, None, 0), Err(Undefined::InvalidParameter("looks")));
    assert_eq!(efficiency(0.05, 0.05, None, 5), Err(Undefined::InvalidParameter("power")));
}

#[test]
fn a_long_run_of_tiny_nights_has_numbers_for_all_it_says() {
    let plan = planned(1_000_000.0);
    let looks: Vec<Look> = (1..=120).map(|day| look(day, f64::from(day) * 900.0, 2.0)).collect();
    let answer = open(&plan, &looks);
    for look in answer.looks.iter().filter(|look| look.boundary_z.is_some()) {
        assert!(look.boundary_z.is_some_and(|z| z.is_finite() && z > 2.0));
        assert!(look.interval.is_some_and(|i| i.low.is_finite() && i.high.is_finite()));
    }
    assert_eq!((answer.state, answer.looks[0].standing), (State::TooEarly, Standing::TooEarly));
}

#[test]
fn errors_have_reasons() {
    let looks = nightly(&[1.0, 1.0], 100.0);
    let error = |plan: Plan, looks: &[Look]| monitor(&plan, looks, Closing::Open).unwrap_err();
    let invalid = Undefined::InvalidParameter;
    assert_eq!(error(planned(0.0), &looks), invalid("planned"));
    assert_eq!(error(Plan { alpha: 1.0, ..planned(1.0) }, &looks), invalid("alpha"));
    let futility = Some(Futility { effect: 0.0, least: 0.1 });
    assert_eq!(error(Plan { futility, ..planned(1.0) }, &looks), invalid("effect"));
    let warm_up = WarmUp { information: f64::NAN, days: 0 };
    assert_eq!(error(Plan { warm_up, ..planned(1.0) }, &looks), invalid("warm_up"));
    assert_eq!(error(planned(1.0), &[looks[1], looks[0]]), invalid("day"));
    assert_eq!(error(planned(1.0), &[look(1, 5.0, 1.0), look(1, 6.0, 1.0)]), invalid("day"));
    assert_eq!(error(planned(1.0), &[Look { information: -1.0, ..looks[0] }]), invalid("information"));
    let schedule = Schedule::new(&planned(1.0), &[(1, Some(0.5))], Closing::Open).unwrap();
    assert_eq!(schedule.outcomes(&looks), Err(Undefined::LengthMismatch));
    assert_eq!(open(&planned(1.0), &[]).state, State::TooEarly);
}

/// Nights of a test: growing, repeated, shrinking and without an estimate.
fn nights() -> impl Strategy<Value = Vec<Look>> {
    prop::collection::vec((-20.0_f64..120.0, -1.5_f64..1.5, 0..12_u8, 1..4_i32), 1..16).prop_map(|nights| {
        let (mut information, mut score, mut day) = (0.0_f64, 0.0_f64, 0);
        let looks = nights.into_iter().map(|(gain, noise, kind, days)| {
            let gain = if kind == 0 { 0.0 } else { gain };
            information = (information + gain).max(0.0);
            score += noise * gain.abs().sqrt() + 0.06 * gain;
            day += days;
            let se = 1.0 / information.max(1.0).sqrt();
            let effect = Effect { estimate: score / information.max(1.0), se };
            Look { day, information, effect: (kind != 1).then_some(effect) }
        });
        looks.collect()
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    (0..4_u8, 300.0_f64..1500.0, 0.01_f64..0.2, 0.0_f64..100.0).prop_map(|(kind, size, alpha, warm)| {
        let spent = |spending| Method::GroupSequential { planned: size, spending };
        let method = match kind {
            0 => spent(Spending::ObrienFleming),
            1 => spent(Spending::Pocock),
            2 => spent(Spending::Power(2.5)),
            _ => Method::AlwaysValid { expected: size },
        };
        let warm_up = WarmUp { information: warm, days: 0 };
        Plan { method, alpha, warm_up, futility: Some(Futility { effect: 0.1, least: 0.1 }) }
    })
}

proptest! {
    // Each case watches every night anew.
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn night_after_night_is_the_same_as_all_at_once(plan in plans(), looks in nights()) {
        let whole = open(&plan, &looks);
        let mut decided = None;
        for nights in 1..=looks.len() {
            let part = open(&plan, &looks[..nights]);
            prop_assert_eq!(&part.looks[..], &whole.looks[..nights]);
            // A decision is made once and stays.
            decided = decided.or(part.crossed);
            prop_assert_eq!(part.crossed, decided);
            prop_assert!(part.crossed.is_none() || part.state.decided());
        }
        prop_assert_eq!(whole.crossed, decided);
        // What is kept of a night between runs is enough.
        let kept = serde_json::to_string(&looks).unwrap();
        let restored: Vec<Look> = serde_json::from_str(&kept).unwrap();
        prop_assert_eq!(open(&plan, &restored), whole);
    }

    #[test]
    fn what_is_spent_and_excluded_stays_so(plan in plans(), looks in nights()) {
        let parts: Vec<Monitoring> = (1..=looks.len()).map(|nights| open(&plan, &looks[..nights])).collect();
        for pair in parts.windows(2) {
            prop_assert!(pair[0].spent.unwrap_or(0.0) <= pair[1].spent.unwrap_or(0.0));
            prop_assert!(pair[1].spent.unwrap_or(0.0) <= plan.alpha * (1.0 + 1e-12));
            prop_assert!(!pair[0].contradictory || pair[1].contradictory);
            if let Method::AlwaysValid { .. } = plan.method {
                let p = |part: &Monitoring| part.p.map_or(1.0, |p| p.value);
                prop_assert!(p(&pair[1]) <= p(&pair[0]));
                if let (Some(before), Some(after)) = (pair[0].interval, pair[1].interval) {
                    prop_assert!(after.low >= before.low && after.high <= before.high);
                }
            }
        }
    }
}

#[test]
fn a_closing_night_without_an_estimate_ends_nothing() {
    let look = |day, information, effect: Option<(f64, f64)>| Look {
        day,
        information,
        effect: effect.map(|(estimate, se)| Effect { estimate, se }),
    };
    let looks = [look(1, 130.0, Some((0.18, 0.088))), look(2, 130.0, None)];
    let answer = monitor(&Plan::usual(Some(1273.0), 1273.0, 0.08), &looks, Closing::Scheduled).unwrap();
    assert!(!answer.state.decided() && answer.crossed.is_none());
    assert!(answer.p.is_some_and(|p| p.value > 0.08) && answer.interval.is_some_and(|i| i.contains(0.0)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn crossing_interval_and_p_value_agree(plan in plans(), looks in nights(), closed in any::<bool>()) {
        let closing = if closed { Closing::Scheduled } else { Closing::Open };
        let answer = monitor(&plan, &looks, closing).unwrap();
        for look in &answer.looks {
            if let (Some(z), Some(boundary), Some(interval)) = (look.z, look.boundary_z, look.interval) {
                prop_assert!(look.crosses == (z.abs() > boundary) || (z.abs() - boundary).abs() < 1e-12);
                prop_assert_eq!(look.crosses, !interval.contains(0.0));
                prop_assert!(look.standing.tested());
            } else {
                prop_assert!(!look.crosses);
            }
        }
        if let Some(p) = answer.p {
            prop_assert_eq!(p.value < plan.alpha, answer.crossed.is_some(), "{:?}", answer);
        }
        if let Some(interval) = answer.interval {
            prop_assert_eq!(!interval.contains(0.0), answer.crossed.is_some(), "{:?}", answer);
        }
    }

    #[test]
    fn swapping_the_groups_swaps_the_answer(plan in plans(), looks in nights()) {
        let turned: Vec<Look> = looks
            .iter()
            .map(|look| Look { effect: look.effect.map(|e| Effect { estimate: -e.estimate, ..e }), ..*look })
            .collect();
        let (answer, mirror) = (open(&plan, &looks), open(&plan, &turned));
        prop_assert_eq!(answer.p, mirror.p);
        prop_assert_eq!(answer.interval, mirror.interval.map(|interval| interval.negated()));
        prop_assert_eq!(answer.estimate, mirror.estimate.map(|estimate| -estimate));
        prop_assert_eq!(answer.since, mirror.since);
        prop_assert_eq!(answer.crossed.map(|c| (c.look, c.up)), mirror.crossed.map(|c| (c.look, !c.up)));
    }

    #[test]
    fn units_of_effect_and_information_do_not_matter(plan in plans(), looks in nights()) {
        // Powers of two, so that not even rounding differs.
        let scaled: Vec<Look> = looks
            .iter()
            .map(|look| Look {
                information: look.information * 4.0,
                effect: look.effect.map(|e| Effect { estimate: e.estimate * 8.0, se: e.se * 8.0 }),
                ..*look
            })
            .collect();
        let method = match plan.method {
            Method::GroupSequential { planned, spending } => {
                Method::GroupSequential { planned: planned * 4.0, spending }
            }
            Method::AlwaysValid { expected } => Method::AlwaysValid { expected: expected * 4.0 },
        };
        let warm_up = WarmUp { information: plan.warm_up.information * 4.0, ..plan.warm_up };
        let (answer, other) = (open(&plan, &looks), open(&Plan { method, warm_up, ..plan }, &scaled));
        prop_assert_eq!((answer.state, answer.crossed, answer.p), (other.state, other.crossed, other.p));
        prop_assert_eq!(
            answer.interval.map(|i| (i.low * 8.0, i.high * 8.0)),
            other.interval.map(|i| (i.low, i.high))
        );
    }
}
