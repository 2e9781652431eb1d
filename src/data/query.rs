//! Questions of metrics: expressions over the rows of a table, brought to one value a unit and handed out by group.

use std::borrow::Cow;

use polars::prelude::*;

use super::Dataset;
use super::aggregate::{ByEntry, State, by_row, by_unit};
use super::expression::{Expression, evaluate, parse};
use super::failure::sentence;
use super::names::NONE;
use super::numbers::Numbers;
use super::rows::Rows;
use super::spec::{facts_key, has_zero};
use crate::config::valid::{Adjustment, Aggregate, Population};
use crate::diag::Diagnostic;

/// More units than this are not written out one by one.
const MOST_ENTRIES: u64 = 1 << 28;

/// What a metric asks for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Name of the facts whose rows are read; none: the rows of `[data]`.
    pub from: Option<&'a str>,
    /// One SQL expression, or numerator and denominator. Booleans count as 0 and 1.
    pub values: &'a [&'a str],
    /// SQL predicate that rows must meet.
    pub filter: Option<&'a str>,
    /// How several rows of a unit become one value. Numerator and denominator are always added up, unless rows stay rows.
    pub aggregate: Aggregate,
    /// Which units take part.
    pub population: Population,
    /// Every value must be 0 or 1.
    pub binary: bool,
    /// Covariates and strata that are wanted beside the values.
    pub adjustment: &'a Adjustment,
}

/// The answer, by group in the order of [`Dataset::groups`].
#[derive(Clone, Debug, PartialEq)]
pub struct Gathered {
    /// The groups.
    pub groups: Vec<GroupValues>,
    /// Labels of the strata in natural order; the stratum of units without a label is the last one and has the label `""`.
    /// Empty when no strata were asked for.
    pub strata: Vec<String>,
    /// Names of the covariates: the expressions, then `pre-period: …` for each of the values.
    pub covariates: Vec<String>,
}

/// The entries (units, or rows with [`Aggregate::Rows`]) of one group, in the order of their first rows. All columns have the
/// same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupValues {
    /// The group.
    pub group: String,
    /// One column an expression, finite numbers.
    pub values: Vec<Vec<f64>>,
    /// One column a covariate. A missing value is replaced by the mean over all units of all groups, so that the replacement
    /// knows nothing of the group.
    pub covariates: Vec<Vec<f64>>,
    /// Values of covariates that were replaced.
    pub covariates_missing: u64,
    /// Index into [`Gathered::strata`]; empty when not asked for.
    pub strata: Vec<u32>,
    /// With [`Aggregate::Rows`]: which unit of the group the row belongs to, counted from 0 in the order of the rows. Else
    /// empty.
    pub clusters: Vec<u32>,
    /// Number of the unit of every entry, the same in every answer: the number of the row where rows are units. Units that
    /// are known as a count only are numbered on after all others.
    pub units: Vec<u32>,
    /// Entries that have rows which meet the filter, but no value.
    pub missing: u64,
    /// Entries whose value is infinite or undefined, such as 1 / 0.
    pub non_finite: u64,
}

impl Dataset {
    /// The values of one or two SQL expressions by group.
    ///
    /// # Units
    /// With a unit column, or from facts, the rows of a unit that meet the filter become one value. Of [`Population::Matching`]
    /// are units with such a row; of [`Population::Exposed`] all units of the experiment, those without such a row having 0 for
    /// a sum, a count and `any` — for a mean and an extreme there is no such value, and they are left out. A missing value
    /// adds nothing; a unit of whose rows none has a value counts as missing, except that nothing counted is 0. Of a ratio a
    /// row counts only when it has both values. Rows without a group, of units in two groups, from before the exposure, and
    /// rows left out by a rule (`exclude`) do not take part.
    ///
    /// # Adjustment
    /// A covariate is the mean of an expression over the rows of the unit in `[data]`, the stratum that of its first row.
    /// A pre-period covariate is the same value, filter and aggregate over the rows from before the unit's first exposure
    /// (facts) or before the start of the experiment (`[data]`); a unit without such rows has 0 for a sum, a count and `any`.
    /// Rows that stay rows take the covariates of their unit, and their mean before.
    ///
    /// # Errors
    /// SQL that does not parse, columns that do not exist or were not named by a metric, types that do not fit;
    /// `data::not-binary` with the number of other values; `data::counts-only` where exposures are counts and rows of units
    /// are asked for; `data::no-pre-period` where nothing tells before from after; `data::no-covariate` where a covariate has
    /// no value at all.
    pub fn gather(&self, query: &Query) -> Result<Gathered, Diagnostic> {
        let table = self.table(query.from)?;
        let numbers = query
            .values
            .iter()
            .map(|sql| self.value(table, sql, query.aggregate))
            .collect::<Result<Vec<Numbers>, Diagnostic>>()?;
        let kept = self.condition(table, query.filter)?;
        let kept = kept.as_deref();
        if query.binary && query.aggregate != Aggregate::Count {
            for (sql, numbers) in query.values.iter().zip(&numbers) {
                is_binary(sql, numbers, kept, &table.group_of_row)?;
            }
        }
        let how = match query.aggregate {
            Aggregate::Rows => Aggregate::Rows,
            _ if numbers.len() > 1 => Aggregate::Sum,
            how => how,
        };
        let rows_are_units = query.from.is_none() && self.units.are_rows;
        let entries = self.entries(table, how == Aggregate::Rows && !rows_are_units);
        let found = if rows_are_units || how == Aggregate::Rows {
            by_row(&numbers, kept, how)
        } else {
            let units = table.unit_of_row.as_deref().unwrap_or_default();
            by_unit(&numbers, kept, &table.group_of_row, units, self.units.total, how)
        };
        let with_zeros = has_zero(how, query.population);
        let mut answer = self.selected(&entries, &found, with_zeros)?;
        if how == Aggregate::Rows {
            let units = if rows_are_units { table.group_of_row.len() } else { self.units.total };
            answer.groups.iter_mut().for_each(|group| group.clusters = dense(&group.units, units));
        }
        if query.binary {
            for (sql, column) in answer.groups.iter().flat_map(|group| query.values.iter().zip(&group.values))
            {
                if let Some(other) = column.iter().find(|value| !is_bit(**value)) {
                    return Err(not_binary(sql, &format!("a unit whose rows give {other}")));
                }
            }
        }
        self.adjust(query, table, &numbers, kept, how, &mut answer)?;
        Ok(answer)
    }

    /// Entries by group: units, or the rows of a table.
    fn entries(&self, table: &Rows, rows: bool) -> Entries<'_> {
        if !rows {
            return Entries { by_group: Cow::Borrowed(&self.units.by_group), units: None };
        }
        let mut by_group = vec![Vec::new(); self.groups.len()];
        for (row, group) in (0_u32..).zip(&table.group_of_row) {
            if *group != NONE {
                by_group[*group as usize].push(row);
            }
        }
        Entries { by_group: Cow::Owned(by_group), units: table.unit_of_row.clone() }
    }

    /// The entries that have a value, by group.
    pub(crate) fn selected(
        &self,
        entries: &Entries,
        found: &ByEntry,
        with_zeros: bool,
    ) -> Result<Gathered, Diagnostic> {
        let finite = found.values.iter().all(|column| all(column, f64::is_finite));
        let mut next = self.units.total as u64;
        let mut groups = Vec::with_capacity(self.groups.len());
        for (index, (group, members)) in self.groups.iter().zip(entries.by_group.iter()).enumerate() {
            let mut own = GroupValues { group: group.id.clone(), ..GroupValues::default() };
            let chosen: Cow<[u32]> = if found.states.is_none() && finite {
                Cow::Borrowed(members)
            } else {
                let mut chosen = Vec::with_capacity(members.len());
                for entry in members {
                    let at = *entry as usize;
                    match found.states.as_ref().map_or(State::Present, |states| states[at]) {
                        State::Absent if !with_zeros => {}
                        State::Missing => own.missing += 1,
                        _ if finite || found.values.iter().all(|column| column[at].is_finite()) => {
                            chosen.push(*entry);
                        }
                        _ => own.non_finite += 1,
                    }
                }
                Cow::Owned(chosen)
            };
            let uncounted = self.units.uncounted.get(index).copied().filter(|_| with_zeros).unwrap_or(0);
            if next + uncounted > MOST_ENTRIES {
                return Err(Diagnostic::error(
                    "data::count",
                    format!("group `{}` counts more units than can be analysed one by one", group.id),
                ));
            }
            let zeros = uncounted as usize;
            for column in &found.values {
                let mut values = Vec::with_capacity(chosen.len() + zeros);
                values.extend(chosen.iter().map(|entry| column[*entry as usize]));
                values.resize(chosen.len() + zeros, 0.0);
                own.values.push(values);
            }
            own.units.reserve_exact(chosen.len() + zeros);
            match &entries.units {
                None => own.units.extend_from_slice(&chosen),
                Some(units) => own.units.extend(chosen.iter().map(|row| units[*row as usize])),
            }
            own.units.extend((next..next + uncounted).map(|unit| unit as u32));
            next += uncounted;
            groups.push(own);
        }
        Ok(Gathered { groups, strata: Vec::new(), covariates: Vec::new() })
    }

    /// The rows that are asked for.
    ///
    /// # Errors
    /// `data::counts-only` for rows of `[data]` where exposures are counts, `data::sums-only` where there are none.
    pub(crate) fn table(&self, from: Option<&str>) -> Result<&Rows, Diagnostic> {
        if self.sums.is_some() {
            return Err(Diagnostic::error(
                "data::sums-only",
                "the rows are known as sums: no values can be gathered",
            ));
        }
        let Some(from) = from else {
            return match &self.counts {
                None => Ok(&self.rows),
                Some(count) => Err(Diagnostic::error(
                    "data::counts-only",
                    format!("`{count}` says how many units a row stands for: there are no rows of units"),
                )),
            };
        };
        let index = self.facts.iter().position(|facts| facts.name == from);
        index
            .and_then(|index| self.tables.get(index))
            .ok_or_else(|| Diagnostic::error("data::not-loaded", format!("{} was not read", facts_key(from))))
    }

    pub(crate) fn expression(&self, table: &Rows, sql: &str) -> Result<Expression, Diagnostic> {
        let quoted = format!("`{sql}`");
        let parsed = parse(sql, &quoted, &table.columns).map_err(|problems| {
            // One expression, one problem: the first is enough here, `check` lists them all.
            problems
                .into_iter()
                .next()
                .unwrap_or_else(|| Diagnostic::error("data::sql", format!("{quoted} is no SQL expression")))
        })?;
        match parsed.columns.iter().find(|name| table.frame.column(name).is_err()) {
            None => Ok(parsed),
            Some(name) => Err(Diagnostic::error(
                "data::not-loaded",
                format!("{quoted}: column `{name}` is named by no metric"),
            )),
        }
    }

    /// The value of an expression for every row, as an aggregate wants it.
    pub(crate) fn value(&self, table: &Rows, sql: &str, how: Aggregate) -> Result<Numbers, Diagnostic> {
        if how == Aggregate::Count {
            let quoted = format!("`{sql}`");
            return Ok(Numbers::presence(&evaluate(&self.expression(table, sql)?, &table.frame, &quoted)?));
        }
        self.numbers(table, sql)
    }

    pub(crate) fn numbers(&self, table: &Rows, sql: &str) -> Result<Numbers, Diagnostic> {
        let quoted = format!("`{sql}`");
        let result = evaluate(&self.expression(table, sql)?, &table.frame, &quoted)?;
        is_number(result.dtype(), sql, &quoted)?;
        Numbers::of(&result, &quoted)
    }

    /// Which rows meet a predicate; none when there is no predicate.
    pub(crate) fn condition(&self, table: &Rows, sql: Option<&str>) -> Result<Option<Vec<bool>>, Diagnostic> {
        let Some(sql) = sql else { return Ok(None) };
        let quoted = format!("`{sql}`");
        let result = evaluate(&self.expression(table, sql)?, &table.frame, &quoted)?;
        is_predicate(result.dtype(), sql, &quoted)?;
        let failed = |error: PolarsError| {
            Diagnostic::error("data::sql-type", format!("{quoted}: {}", sentence(&error)))
        };
        let result = result.cast(&DataType::Boolean).map_err(failed)?;
        Ok(Some(result.bool().map_err(failed)?.iter().map(|met| met == Some(true)).collect()))
    }
}

/// What an answer is made of.
pub(crate) struct Entries<'a> {
    pub by_group: Cow<'a, [Vec<u32>]>,
    /// Units of the entries, where these are rows.
    pub units: Option<Vec<u32>>,
}

/// Whether all values pass, without a branch a value.
pub(crate) fn all(values: &[f64], passes: impl Fn(f64) -> bool) -> bool {
    values.chunks(512).all(|part| part.iter().fold(true, |so_far, value| so_far & passes(*value)))
}

/// Units of one group numbered from 0 in the order in which they are met.
fn dense(units: &[u32], total: usize) -> Vec<u32> {
    let mut numbers = vec![NONE; total];
    let mut next = 0;
    let number = |unit: &u32| {
        let known = &mut numbers[*unit as usize];
        if *known == NONE {
            *known = next;
            next += 1;
        }
        *known
    };
    units.iter().map(number).collect()
}

fn is_bit(value: f64) -> bool {
    (value == 0.0) | (value == 1.0)
}

fn is_binary(
    sql: &str,
    numbers: &Numbers,
    kept: Option<&[bool]>,
    group_of_row: &[u32],
) -> Result<(), Diagnostic> {
    if all(numbers.values(), is_bit) {
        return Ok(());
    }
    let mut others = numbers.values().iter().enumerate().filter(|(row, value)| {
        group_of_row[*row] != NONE
            && kept.is_none_or(|kept| kept[*row])
            && numbers.has(*row)
            && !is_bit(**value)
    });
    let Some((_, first)) = others.next() else { return Ok(()) };
    let count = others.count() + 1;
    Err(not_binary(sql, &format!("{count} rows (the first value is {first})")))
}

fn not_binary(sql: &str, found: &str) -> Diagnostic {
    let message = format!("`{sql}` is not 0 or 1 in {found}: its share is not defined");
    Diagnostic::error("data::not-binary", message)
        .hint(format!("a proportion needs a condition, such as `{sql} > 0`"))
}

/// Whether a value of this type is a number.
pub(crate) fn is_number(dtype: &DataType, sql: &str, used_by: &str) -> Result<(), Diagnostic> {
    if dtype.is_numeric() || dtype.is_bool() || dtype.is_null() || matches!(dtype, DataType::Unknown(_)) {
        return Ok(());
    }
    let kind = if dtype.is_string() { "text" } else { "a date" };
    let problem =
        Diagnostic::error("data::not-a-number", format!("{used_by}: `{sql}` is {kind}, not a number"));
    Err(if dtype.is_string() {
        problem.hint("more than half of its cells are no numbers: check the decimal mark and the column")
    } else {
        problem
    })
}

/// Whether a value of this type is a condition.
pub(crate) fn is_predicate(dtype: &DataType, sql: &str, used_by: &str) -> Result<(), Diagnostic> {
    if dtype.is_bool() || dtype.is_null() {
        return Ok(());
    }
    Err(Diagnostic::error("data::not-a-condition", format!("{used_by}: `{sql}` is no condition"))
        .hint(format!("compare it with something, such as `{sql} = 1`")))
}
