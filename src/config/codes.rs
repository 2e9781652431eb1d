//! Every diagnostic of a config by its stable code: the one list that the checks, `docs/diagnostics.md` and the tests
//! share.

/// A diagnostic code and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Such as `config::unknown-key`.
    pub name: &'static str,
    /// What is wrong when it is shown, one sentence.
    pub meaning: &'static str,
}

/// Declares the code constants together with the list of all of them, so that none can be left out of it.
macro_rules! codes {
    ($($constant:ident = $name:literal: $meaning:literal;)+) => {
        $(#[doc = $meaning] pub const $constant: &str = $name;)+
        /// Every code, in the order of `docs/diagnostics.md`.
        pub const ALL: &[Code] = &[$(Code { name: $name, meaning: $meaning }),+];
    };
}

codes! {
    UNREADABLE = "config::unreadable": "The file cannot be opened or read.";
    NOT_UTF8 = "config::not-utf8": "The file is not UTF-8 text.";
    SYNTAX = "config::syntax": "The file is not valid TOML.";
    OVERRIDE_SYNTAX = "config::override-syntax": "A --set argument is not KEY=VALUE.";
    OVERRIDE_PLACE = "config::override-place": "A --set argument names a place that the file does not have.";
    UNKNOWN_KEY = "config::unknown-key": "A key that no section of this name has.";
    NOT_YET_SUPPORTED = "config::not-yet-supported": "A key or value that this version would have to ignore.";
    WRONG_TYPE = "config::wrong-type": "A value of another type than the key takes.";
    UNKNOWN_VALUE = "config::unknown-value": "A word that is not one of those the key allows.";
    OUT_OF_RANGE = "config::out-of-range": "A number that is impossible for the key.";
    NOT_FINITE = "config::not-finite": "A number that is infinite or not a number.";
    MISSING_KEY = "config::missing-key": "A key that the section must have.";
    EMPTY_TEXT = "config::empty-text": "A text without a visible character.";
    BAD_ID = "config::bad-id": "An id with characters that ids may not have, or longer than 64.";
    DUPLICATE_ID = "config::duplicate-id": "Two entries of one section with the same id.";
    DUPLICATE_TITLE = "config::duplicate-title": "Two entries that a reader cannot tell apart.";
    NOTHING_TO_DO = "config::nothing-to-do": "A file without data, metrics, plans or any other section to report.";
    START_AFTER_END = "config::start-after-end": "The first day is later than the last.";
    TIME_LIMIT = "config::time-limit": "A time limit is a positive number of seconds, minutes or hours.";
    ALPHA_AND_CONFIDENCE = "config::alpha-and-confidence": "Both names of the same number are given.";
    CONTROL_NOT_A_GROUP = "config::control-not-a-group": "The control is not among the groups.";
    GROUPS_DIFFER = "config::groups-differ": "Two places of the file name different groups.";
    CONTROL_AND_CONTROLS = "config::control-and-controls": "One control and several controls are given.";
    CONTROLS = "config::controls": "Several controls are fewer than two, or one is named twice.";
    CONTROLS_CORRECTION = "config::controls-correction": "Dunnett's and Tukey's tests do not pool controls.";
    LOOKS = "config::looks": "A key of [design.looks] that the way of looking does not use.";
    NO_PLANNED_SIZE = "config::no-planned-size": "Group-sequential looks need the size at which they end.";
    MONEY_METRIC = "config::money-metric": "The money is counted for a metric that does not exist.";
    FRESHNESS = "config::freshness": "Stale data cannot be told without time, or the warning comes after the refusal.";
    IDENTITY_WITHOUT_UNIT = "config::identity-without-unit": "Devices are joined to users by unit, and the rows name none.";
    GUARDRAIL_WITHOUT_MARGIN = "config::guardrail-without-margin": "Without a margin a guardrail is never passed.";
    TOO_FEW_GROUPS = "config::too-few-groups": "A comparison needs at least two groups.";
    DUNNETT_NEEDS_CONTROL = "config::dunnett-needs-control": "Dunnett's test compares with a control only.";
    TUKEY_NEEDS_ALL = "config::tukey-needs-all": "Tukey's test compares every pair.";
    CORRECTION_NEEDS_MEANS = "config::correction-needs-means": "Dunnett's and Tukey's tests are for means.";
    WAREHOUSE = "config::warehouse": "Rows are in files or in a database, and a database needs one table or query.";
    INCREMENTAL = "config::incremental": "Sums of days can be kept where rows have a time and each is a unit of its own.";
    DATA_MISSING = "config::data-missing": "No file is where the config says the data are.";
    SEPARATOR_IS_DECIMAL = "config::separator-is-decimal": "Columns and decimals cannot share one mark.";
    UNKNOWN_ENCODING = "config::unknown-encoding": "A text encoding that no standard names so.";
    UNIT_AND_COUNT = "config::unit-and-count": "Rows either name units or count them.";
    FACTS_WITHOUT_UNIT = "config::facts-without-unit": "Facts are joined by unit, and the exposures name none.";
    FACTS_WITHOUT_GROUP = "config::facts-without-group": "Exposures are counts, so the facts must name the group.";
    UNKNOWN_FACTS = "config::unknown-facts": "A metric or a funnel reads facts that do not exist.";
    MIN_ABOVE_MAX = "config::min-above-max": "A range that no value can be in.";
    METRIC_SOURCE = "config::metric-source": "A metric needs exactly one source of numbers.";
    METRIC_WITHOUT_DATA = "config::metric-without-data": "A metric reads rows, and the file has no [data].";
    VALUE_AND_NUMERATOR = "config::value-and-numerator": "Both names of the same expression are given.";
    KIND_SOURCE = "config::kind-source": "The kind of the metric does not fit where its numbers come from.";
    RATIO_WITHOUT_DENOMINATOR = "config::ratio-without-denominator": "A ratio needs what it is divided by.";
    QUANTILE_WITHOUT_Q = "config::quantile-without-q": "A quantile needs to say which.";
    USELESS_KEY = "config::useless-key": "A key that means nothing beside the other keys of its section.";
    AGGREGATE_KIND = "config::aggregate-kind": "The aggregate does not fit the kind of the metric.";
    ADJUSTMENT_KIND = "config::adjustment-kind": "The metric cannot be adjusted by what is known of its units.";
    WINSORIZE = "config::winsorize": "Quantiles that leave nothing between them, or draw nothing in.";
    FUNNEL_STEPS = "config::funnel-steps": "A funnel needs at least two steps.";
    TEST_SOURCE = "config::test-source": "The test cannot be computed from published numbers.";
    TEST_KIND = "config::test-kind": "The test is for another kind of metric.";
    COUNTS_ABOVE_N = "config::counts-above-n": "More successes than units.";
    MARGIN_WITHOUT_GUARDRAIL = "config::margin-without-guardrail": "Only a guardrail has a margin of acceptable harm.";
    NO_PRIMARY = "config::no-primary": "No metric decides.";
    UNKNOWN_PLAN = "config::unknown-plan": "A metric refers to a plan that does not exist.";
    PLAN_LIFT = "config::plan-lift": "A plan needs exactly one of lift and relative_lift.";
    ZERO_LIFT = "config::zero-lift": "No sample is large enough to see a change of nothing.";
    RATE_OUT_OF_RANGE = "config::rate-out-of-range": "A rate, or a difference of two, is not between 0 and 1.";
    PLAN_WITHOUT_BASELINE = "config::plan-without-baseline": "The plan needs the present value.";
    PLAN_WITHOUT_SD = "config::plan-without-sd": "A plan for a mean needs the standard deviation.";
    SHARES_SUM = "config::shares-sum": "Shares of a whole do not add up to 1.";
    DEVICE_COUNT = "config::device-count": "A number of devices is not a whole number from 1.";
    UNKNOWN_LANE = "config::unknown-lane": "A node is in a lane that does not exist.";
    UNKNOWN_NODE = "config::unknown-node": "An edge ends at a node that does not exist.";
    DUPLICATE_EDGE = "config::duplicate-edge": "Two edges lead from the same node to the same node.";
    SELF_EDGE = "config::self-edge": "An edge leads from a node to itself.";
    LONELY_NODE = "config::lonely-node": "No edge touches the node.";
}
