//! Conditions that need no query plan: columns compared with numbers and words, joined by AND and OR.
//!
//! Most filters are such conditions. Answering them here spares a small experiment the optimiser and the executor of polars, which are
//! fifteen megabytes of program to load and threads to start. The answers are those of polars; whatever is not met here is left to it.

use polars::prelude::*;

/// A condition over the columns of a frame.
#[derive(Debug)]
pub(crate) enum Condition<'a> {
    /// A column of whole numbers beside one.
    Whole(&'a str, Operator, i64),
    /// A column of numbers beside one that is not NaN.
    Number(&'a str, Operator, f64),
    /// A column of text that is, or is not, this word.
    Word(&'a str, Operator, PlSmallStr),
    /// It does not hold: `<>`.
    Not(Box<Condition<'a>>),
    /// Both hold.
    And(Box<Condition<'a>>, Box<Condition<'a>>),
    /// One of them holds.
    Or(Box<Condition<'a>>, Box<Condition<'a>>),
}

impl<'a> Condition<'a> {
    /// The expression as a condition over columns of these types, if it is one.
    pub(crate) fn of(expr: &'a Expr, schema: &Schema) -> Option<Condition<'a>> {
        if let Expr::Function { input, function: FunctionExpr::Boolean(BooleanFunction::Not) } = expr
            && let [condition] = &input[..]
        {
            return Some(Condition::Not(Box::new(Condition::of(condition, schema)?)));
        }
        let Expr::BinaryExpr { left, op, right } = expr else { return None };
        if let Operator::And | Operator::Or = op {
            let (left, right) =
                (Box::new(Condition::of(left, schema)?), Box::new(Condition::of(right, schema)?));
            return Some(if *op == Operator::And {
                Condition::And(left, right)
            } else {
                Condition::Or(left, right)
            });
        }
        let (name, op, literal) = match (&**left, &**right) {
            (Expr::Column(name), Expr::Literal(literal)) => (name, *op, literal),
            (Expr::Literal(literal), Expr::Column(name)) => (name, turned(*op)?, literal),
            _ => return None,
        };
        match op {
            Operator::Eq | Operator::NotEq => {}
            Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => {}
            _ => return None,
        }
        // What a list is to SQL has no value of its own.
        let literal = match literal.get_datatype() {
            DataType::Unknown(UnknownKind::Int(value)) => Literal::Whole(i64::try_from(value).ok()?),
            DataType::List(_) | DataType::Unknown(UnknownKind::Any) => return None,
            _ => match literal.to_any_value()? {
                AnyValue::Int32(value) => Literal::Whole(i64::from(value)),
                AnyValue::Int64(value) => Literal::Whole(value),
                AnyValue::Float64(value) => Literal::Number(value),
                AnyValue::StringOwned(word) => Literal::Word(word),
                AnyValue::String(word) => Literal::Word(word.into()),
                _ => return None,
            },
        };
        match (schema.get(name.as_str())?, literal) {
            (DataType::Int64, Literal::Whole(value)) => Some(Condition::Whole(name, op, value)),
            (DataType::Float64, Literal::Whole(value)) if value.unsigned_abs() < 1 << 53 => {
                Some(Condition::Number(name, op, value as f64))
            }
            (DataType::Float64, Literal::Number(value)) if !value.is_nan() => {
                Some(Condition::Number(name, op, value))
            }
            (DataType::String, Literal::Word(word)) if matches!(op, Operator::Eq | Operator::NotEq) => {
                Some(Condition::Word(name, op, word))
            }
            _ => None,
        }
    }

    /// Whether it holds in every row; missing where that is not known, as SQL has it.
    ///
    /// # Errors
    /// A frame of other columns than it was made for.
    pub(crate) fn met(&self, frame: &DataFrame) -> PolarsResult<BooleanChunked> {
        let column = |name: &str| Ok::<&Series, PolarsError>(frame.column(name)?.as_materialized_series());
        Ok(match self {
            Condition::Whole(name, op, value) => {
                let answers = column(name)?.i64()?.iter();
                answers.map(|own| own.map(|own| holds(*op, own.cmp(value)))).collect()
            }
            Condition::Number(name, op, value) => {
                // NaN is above every number, and only itself.
                let answer =
                    |own: f64| holds(*op, own.partial_cmp(value).unwrap_or(std::cmp::Ordering::Greater));
                column(name)?.f64()?.iter().map(|own| own.map(answer)).collect()
            }
            Condition::Word(name, op, word) => {
                let answers = column(name)?.str()?.iter();
                answers.map(|own| own.map(|own| (own == word.as_str()) == (*op == Operator::Eq))).collect()
            }
            Condition::Not(condition) => {
                condition.met(frame)?.iter().map(|met| met.map(|met| !met)).collect()
            }
            Condition::And(left, right) => {
                let (left, right) = (left.met(frame)?, right.met(frame)?);
                let pairs = left.iter().zip(right.iter());
                pairs
                    .map(|pair| match pair {
                        (Some(false), _) | (_, Some(false)) => Some(false),
                        (Some(true), Some(true)) => Some(true),
                        _ => None,
                    })
                    .collect()
            }
            Condition::Or(left, right) => {
                let (left, right) = (left.met(frame)?, right.met(frame)?);
                let pairs = left.iter().zip(right.iter());
                pairs
                    .map(|pair| match pair {
                        (Some(true), _) | (_, Some(true)) => Some(true),
                        (Some(false), Some(false)) => Some(false),
                        _ => None,
                    })
                    .collect()
            }
        })
    }
}

enum Literal {
    Whole(i64),
    Number(f64),
    Word(PlSmallStr),
}

/// The operator that says the same with its sides exchanged.
fn turned(op: Operator) -> Option<Operator> {
    Some(match op {
        Operator::Eq | Operator::NotEq => op,
        Operator::Lt => Operator::Gt,
        Operator::LtEq => Operator::GtEq,
        Operator::Gt => Operator::Lt,
        Operator::GtEq => Operator::LtEq,
        _ => return None,
    })
}

fn holds(op: Operator, order: std::cmp::Ordering) -> bool {
    match op {
        Operator::Eq => order.is_eq(),
        Operator::NotEq => order.is_ne(),
        Operator::Lt => order.is_lt(),
        Operator::LtEq => order.is_le(),
        Operator::Gt => order.is_gt(),
        _ => order.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::sql::sql_expr;

    fn frame() -> DataFrame {
        let whole = [Some(-1i64), Some(0), Some(1), Some(2), None, Some(i64::MAX)];
        let number = [Some(0.0), Some(-0.0), Some(1.5), Some(f64::NAN), None, Some(f64::INFINITY)];
        let word = [Some("A"), Some("B"), Some(""), Some("а"), None, Some("A ")];
        let columns = vec![
            Column::new("n".into(), whole),
            Column::new("x".into(), number),
            Column::new("g".into(), word),
        ];
        DataFrame::new(6, columns).unwrap()
    }

    /// What polars says of it.
    fn by_plan(expr: &Expr) -> Vec<Option<bool>> {
        let answer = frame().lazy().select([expr.clone().alias("value")]).collect().unwrap();
        let answer = answer.column("value").unwrap().as_materialized_series().clone();
        answer.bool().unwrap().iter().collect()
    }

    #[test]
    fn the_answers_are_those_of_polars() {
        let mut asked = Vec::new();
        for op in ["=", "!=", "<>", "<", "<=", ">", ">="] {
            for literal in ["0", "1", "1.5", "-1", "9007199254740991"] {
                asked.extend([format!("x {op} {literal}"), format!("{literal} {op} x")]);
                if !literal.contains('.') {
                    asked.extend([format!("n {op} {literal}"), format!("{literal} {op} n")]);
                }
            }
        }
        asked.extend(["g = 'A'", "g <> 'A'", "'' = g"].map(str::to_owned));
        let parts = ["n >= 1", "x > 1", "g = 'A'", "x = 0"];
        for (one, two) in parts.iter().flat_map(|one| parts.iter().map(move |two| (one, two))) {
            asked.extend([
                format!("{one} AND {two}"),
                format!("{one} OR {two}"),
                format!("{one} AND ({two} OR n = 0)"),
            ]);
        }
        let mut own = 0;
        for sql in &asked {
            let expr = sql_expr(sql).unwrap();
            let frame = frame();
            // A negative number is an expression to polars; that is left to it.
            let Some(condition) = Condition::of(&expr, frame.schema()) else {
                assert!(sql.contains("-1"), "`{sql}` is left to polars: {expr:?}");
                continue;
            };
            own += 1;
            let met: Vec<Option<bool>> = condition.met(&frame).unwrap().iter().collect();
            assert_eq!(met, by_plan(&expr), "{sql}");
        }
        assert!(own > 90, "{own}");
    }

    #[test]
    fn what_is_no_such_condition_is_left_to_polars() {
        for sql in [
            "n",
            "n = x",
            "n + 1 > 2",
            "n = 1.5",
            "g > 'A'",
            "n = 'A'",
            "n IN (1, 2)",
            "NOT n = 1",
            "n = 1 AND x = n",
        ] {
            let expr = sql_expr(sql).unwrap();
            assert!(Condition::of(&expr, frame().schema()).is_none(), "{sql}");
        }
    }
}
