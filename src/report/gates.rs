//! What the data gates say, in Russian: phrases that begin with a small letter and end without a point.
//!
//! Counts stand behind a colon, so that no word has to agree with them.

use crate::config::valid::Config;
use crate::data::{Gate, GateReason};
use crate::wording::dates;
use crate::wording::numbers::integer;
use crate::wording::plural;

/// The title of a column in the config, else its name in the file. `facts` names the file it stands in, none is `[data]`.
pub fn column_title(config: &Config, facts: Option<&str>, column: &str) -> String {
    let rules = config.data.iter().flat_map(|data| match facts {
        None => data.files.columns.iter(),
        Some(name) => {
            let of = data.facts.iter().find(|facts| facts.name == name);
            of.map_or(&[][..], |facts| &facts.files.columns).iter()
        }
    });
    let title = rules.filter(|r| r.column == column).find_map(|r| r.title.clone());
    title.unwrap_or_else(|| column.to_owned())
}

/// What a gate says, after the title of the facts it is about: «Заказы: строк меньше, чем нужно: 5 из 100».
pub fn words(config: &Config, gate: &Gate) -> String {
    let said = reason(config, gate);
    let title = gate.facts.as_deref().map(|name| {
        let of = config.data.iter().flat_map(|data| &data.facts).find(|facts| facts.name == name);
        of.map_or(name, |facts| facts.title.as_str())
    });
    title.map_or(said.clone(), |title| format!("«{title}»: {said}"))
}

/// What was left out by the rules of the analysis, as opposed to what is wrong with the data.
pub fn is_routine(gate: &Gate) -> bool {
    let by_rule = matches!(
        gate.reason,
        GateReason::PrePeriod { .. }
            | GateReason::UnexposedUnits { .. }
            | GateReason::BeforeExposure { .. }
            | GateReason::RowsOfMixedUnits { .. }
            | GateReason::RowsOfExcludedUnits { .. }
    );
    by_rule && !gate.refuses
}

/// «1 строка», «2 строки».
fn of_rows(count: u64) -> String {
    plural::find("строка").map_or_else(|| integer(count), |noun| plural::count(count, noun.nominative))
}

fn unreadable(count: u64) -> &'static str {
    plural::plural(count, "не читается", "не читаются", "не читаются")
}

fn reason(config: &Config, gate: &Gate) -> String {
    let counted =
        |rows: &u64, units: &u64| format!("строк — {}, пользователей — {}", integer(*rows), integer(*units));
    match &gate.reason {
        GateReason::NoRows => "в данных нет ни одной строки".into(),
        GateReason::TooFewRows { rows, min } => {
            format!("строк меньше, чем нужно: {} из {}", integer(*rows), integer(*min))
        }
        GateReason::Malformed { count, .. } => format!("{} {}", of_rows(*count), unreadable(*count)),
        GateReason::AbsentGroup { group } => format!("заявленной группы «{group}» в данных нет"),
        GateReason::UndeclaredGroup { group, units } => {
            format!("группа «{group}» не заявлена, а наблюдений в ней: {}", integer(*units))
        }
        GateReason::SingleGroup { group } => format!("в данных только группа «{group}», сравнивать не с чем"),
        GateReason::SimilarGroups { first, second } => {
            format!("группы «{first}» и «{second}» похожи на одну, записанную по-разному")
        }
        GateReason::TooManyGroups { count } => {
            format!("разных значений в столбце групп: {}; похоже, это не группы", integer(*count))
        }
        GateReason::MissingGroup { rows } => format!("строк, где не указана группа: {}", integer(*rows)),
        GateReason::MissingUnit { rows } => format!("строк, где не указан пользователь: {}", integer(*rows)),
        GateReason::MissingTime { rows } if gate.refuses => {
            format!("столбец времени пуст во всех строках: {}; когда что было, неизвестно", integer(*rows))
        }
        GateReason::MissingTime { rows } => {
            let rest = match gate.facts {
                Some(_) => "неизвестно, до показа это было или после, поэтому в расчёт они не вошли",
                None => "в расчёте они остались",
            };
            format!("строк без времени: {}; {rest}", integer(*rows))
        }
        GateReason::UnitsInTwoGroups { count, counts_stay } => {
            let rest = match counts_stay {
                true => {
                    "их строки в расчёт не вошли, а размеры групп не изменились: про посетителей известно только, \
                     сколько их"
                }
                false => "в расчёт они не вошли",
            };
            format!("пользователей сразу в двух группах: {}; {rest}", integer(*count))
        }
        GateReason::DevicesInTwoGroups { users, devices } => format!(
            "пользователей, чьи устройства попали в разные группы: {} (устройств {}); в расчёт они не входят",
            integer(*users),
            integer(*devices)
        ),
        GateReason::DevicesOfTwoUsers { devices } => format!(
            "устройств, записанных сразу на двух пользователей: {}; они посчитаны каждое само по себе",
            integer(*devices)
        ),
        GateReason::EmptyIdentity => "в таблице устройств нет ни одной строки".into(),
        GateReason::MalformedIdentity { count, .. } => {
            format!("{} таблицы устройств {}", of_rows(*count), unreadable(*count))
        }
        GateReason::UnitsAfterEnd { units, end } => format!(
            "пользователей, которые пришли после последнего дня эксперимента, {}: {}; в расчёт они входят, и вывод со временем меняется: \
             остановить выгрузку или перенести конец",
            dates::long(*end),
            integer(*units)
        ),
        GateReason::RowsAfterDate { rows } => {
            format!("строк позже даты отчёта: {}; в расчёт они не входят", integer(*rows))
        }
        GateReason::PastChanged { count, first } => format!(
            "дней, за которые строки изменились после того, как день считался завершённым: {}; первый — {}; всё прочитано заново, \
             но отчёты прошлых ночей опирались на прежние строки",
            integer(*count),
            dates::long(*first)
        ),
        GateReason::Stale { days, limit } => {
            format!("дней без новых данных: {}, а допустимо {}", integer(*days), integer(*limit))
        }
        GateReason::MissingDays { count, first } => format!(
            "дней без единого показа внутри эксперимента: {}; первый — {}",
            integer(*count),
            dates::long(*first)
        ),
        GateReason::PrePeriod { rows, units, never_since } => {
            let gone = match never_since {
                0 => String::new(),
                n => format!("; из этих пользователей в эксперименте не появились: {}", integer(*n)),
            };
            format!("до начала эксперимента было {}; в показатели это не вошло{gone}", counted(rows, units))
        }
        GateReason::UnexposedUnits { rows, units } => {
            format!("не вошло в расчёт то, что делали не участники эксперимента: {}", counted(rows, units))
        }
        GateReason::FactsUnjoined { rows, of } => format!(
            "большинство строк не нашло своего пользователя: {} из {}; похоже, указан не тот столбец или не тот файл",
            integer(*rows),
            integer(*of)
        ),
        GateReason::BeforeExposure { rows, units } => {
            let when = match config.data.as_ref().is_some_and(|data| data.count.is_some()) {
                true => "до начала эксперимента",
                false => "раньше, чем пользователь впервые попал в эксперимент",
            };
            format!("не вошло в показатели то, что было {when}: {}", counted(rows, units))
        }
        GateReason::RowsOfMixedUnits { rows, units } => {
            format!("не вошло в расчёт то, что делали побывавшие в двух группах: {}", counted(rows, units))
        }
        GateReason::RowsOfExcludedUnits { rows, units } => {
            format!(
                "не вошло в расчёт то, что делали исключённые из-за недопустимых значений: {}",
                counted(rows, units)
            )
        }
        GateReason::ForeignGroup { group, rows } => {
            format!("группы «{group}» среди показов нет, а строк с ней: {}", integer(*rows))
        }
        GateReason::MoreUnitsThanCounted { group, units, counted } => format!(
            "в группе «{group}» тех, кто что-то сделал, больше, чем всего посетителей: {} и {}",
            integer(*units),
            integer(*counted)
        ),
        GateReason::InvalidValues { column, count, .. } => format!(
            "недопустимых значений в столбце «{}»: {}",
            column_title(config, gate.facts.as_deref(), column),
            integer(*count)
        ),
        GateReason::NothingLeft { group } => format!("после отбора в группе «{group}» ничего не осталось"),
    }
}
