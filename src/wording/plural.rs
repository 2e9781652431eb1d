//! Words that follow a number, in the form that the number demands.

use icu_plurals::{PluralCategory, PluralOperands, PluralRules, PluralRulesPreferences};

use super::numbers::{self, NBSP};

/// The three forms of a word: after 1, after 2–4, after 5 and more.
///
/// Fractions take the second («1,5 дня»). For phrases that stand in the genitive («из 21 пользователя»), the forms are
/// those of the genitive; [`Noun`] holds both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forms {
    /// After 1, 21, 101: «день».
    pub one: &'static str,
    /// After 2–4, 22, and after fractions: «дня».
    pub few: &'static str,
    /// After 0, 5–20, 25: «дней».
    pub many: &'static str,
}

impl Forms {
    /// The forms in the order 1, 2, 5.
    pub const fn new(one: &'static str, few: &'static str, many: &'static str) -> Self {
        Forms { one, few, many }
    }
}

/// A noun that reports count, with its forms in the nominative («592 дня») and the genitive («из 592 дней»).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noun {
    /// After a number that is the subject or object.
    pub nominative: Forms,
    /// After a number that stands in the genitive: «из», «от», «до», «у», «без», «около».
    pub genitive: Forms,
}

/// Builds a noun from its nominative singular, genitive singular and genitive plural, which suffice for inanimate
/// counting and for the genitive.
const fn noun(one: &'static str, few: &'static str, many: &'static str) -> Noun {
    Noun { nominative: Forms::new(one, few, many), genitive: Forms::new(few, many, many) }
}

/// The nouns that reports count, found by their nominative singular through [`find`].
pub const NOUNS: &[Noun] = &[
    noun("день", "дня", "дней"),
    noun("неделя", "недели", "недель"),
    noun("месяц", "месяца", "месяцев"),
    noun("год", "года", "лет"),
    noun("час", "часа", "часов"),
    noun("минута", "минуты", "минут"),
    noun("секунда", "секунды", "секунд"),
    noun("пользователь", "пользователя", "пользователей"),
    noun("посетитель", "посетителя", "посетителей"),
    noun("покупатель", "покупателя", "покупателей"),
    noun("покупка", "покупки", "покупок"),
    noun("заказ", "заказа", "заказов"),
    noun("визит", "визита", "визитов"),
    noun("наблюдение", "наблюдения", "наблюдений"),
    noun("значение", "значения", "значений"),
    noun("строка", "строки", "строк"),
    noun("столбец", "столбца", "столбцов"),
    noun("файл", "файла", "файлов"),
    noun("группа", "группы", "групп"),
    noun("вариант", "варианта", "вариантов"),
    noun("сравнение", "сравнения", "сравнений"),
    noun("метрика", "метрики", "метрик"),
    noun("эксперимент", "эксперимента", "экспериментов"),
    noun("отчёт", "отчёта", "отчётов"),
    noun("решение", "решения", "решений"),
    noun("просмотр", "просмотра", "просмотров"),
    noun("проверка", "проверки", "проверок"),
    noun("повторение", "повторения", "повторений"),
    noun("предупреждение", "предупреждения", "предупреждений"),
    noun("ошибка", "ошибки", "ошибок"),
    noun("узел", "узла", "узлов"),
    noun("связь", "связи", "связей"),
    noun("дорожка", "дорожки", "дорожек"),
    noun("причина", "причины", "причин"),
    noun("раз", "раза", "раз"),
    noun("рубль", "рубля", "рублей"),
    noun("пункт", "пункта", "пунктов"),
];

/// The noun of [`NOUNS`] whose nominative singular is `word`.
pub fn find(word: &str) -> Option<Noun> {
    NOUNS.iter().copied().find(|noun| noun.nominative.one == word)
}

thread_local! {
    /// CLDR's rules for Russian, from the data compiled into `icu_plurals`; they cannot be shared between threads.
    static RULES: Option<PluralRules> = russian();
}

fn russian() -> Option<PluralRules> {
    let preferences = PluralRulesPreferences::from_locale_strict(&"ru".parse().ok()?).ok()?;
    PluralRules::try_new_cardinal(preferences).ok()
}

/// The form of a word after the whole number `n`; its sign does not matter.
pub fn plural<'a>(n: impl TryInto<i128>, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    let magnitude = n.try_into().map_or(0, i128::unsigned_abs);
    choose(PluralOperands::from(magnitude), one, few, many)
}

/// The form of a word after `x` as printed with `decimals` decimals: without decimals as [`plural`], with decimals as
/// after 2, which is CLDR's rule for Russian («1,5 дня», «5,0 дня»). Not a number: as after 0.
pub fn plural_fraction<'a>(x: f64, decimals: usize, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    if !x.is_finite() {
        many
    } else if decimals > 0 {
        few
    } else {
        // A float cast saturates, and beyond 2^127 nobody counts.
        plural(x.abs().round() as i128, one, few, many)
    }
}

/// The number and the word: «592 дня».
pub fn count(n: impl TryInto<i128> + Copy, forms: Forms) -> String {
    format!("{}{NBSP}{}", numbers::integer(n), plural(n, forms.one, forms.few, forms.many))
}

/// The number with `decimals` decimals and the word: «1,5 дня».
pub fn count_fraction(x: f64, decimals: usize, forms: Forms) -> String {
    let word = plural_fraction(x, decimals, forms.one, forms.few, forms.many);
    numbers::with_unit(&numbers::number(x, decimals), word)
}

/// How many times, after «в»: «10 раз», «1,5 раза». Large ratios and whole ones have no decimals.
pub fn times(x: f64, decimals: usize) -> String {
    let decimals = if x.abs() >= 10.0 { 0 } else { decimals };
    let text = numbers::number(x, decimals);
    let zeros = text.split_once(',').is_none_or(|(_, rest)| rest.bytes().all(|digit| digit == b'0'));
    let decimals = if zeros { 0 } else { decimals };
    let shown = if zeros { numbers::number(x, 0) } else { text.trim_end_matches('0').to_owned() };
    numbers::with_unit(&shown, plural_fraction(x, decimals, "раз", "раза", "раз"))
}

fn choose<'a>(operands: PluralOperands, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    match RULES.with(|rules| rules.as_ref().map(|rules| rules.category_for(operands))) {
        Some(PluralCategory::One) => one,
        Some(PluralCategory::Few | PluralCategory::Other) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> &'static str {
        plural(n, "день", "дня", "дней")
    }

    #[test]
    fn whole_numbers() {
        for n in [1, 21, 101, 1001, -1] {
            assert_eq!(day(n), "день", "{n}");
        }
        for n in [2, 3, 4, 22, 34, 592, 1002] {
            assert_eq!(day(n), "дня", "{n}");
        }
        for n in [0, 5, 9, 10, 11, 12, 13, 14, 19, 20, 25, 100, 111, 112, 747, 1011] {
            assert_eq!(day(n), "дней", "{n}");
        }
    }

    #[test]
    fn every_number_follows_the_rule_of_the_grammar() {
        for n in 0..2000_i64 {
            let expected = match (n % 10, n % 100) {
                (_, 11..=14) => "дней",
                (1, _) => "день",
                (2..=4, _) => "дня",
                _ => "дней",
            };
            assert_eq!(day(n), expected, "{n}");
        }
    }

    #[test]
    fn fractions_take_the_genitive_singular() {
        assert_eq!(count_fraction(1.5, 1, find("день").unwrap().nominative), "1,5\u{a0}дня");
        assert_eq!(plural_fraction(5.0, 1, "день", "дня", "дней"), "дня");
        assert_eq!(plural_fraction(5.0, 0, "день", "дня", "дней"), "дней");
        assert_eq!(plural_fraction(21.0, 0, "день", "дня", "дней"), "день");
        assert_eq!(plural_fraction(f64::NAN, 1, "день", "дня", "дней"), "дней");
    }

    #[test]
    fn times_agree_with_what_is_printed() {
        let said = |x: f64| times(x, 1).replace(NBSP, " ");
        assert_eq!(said(1.5), "1,5 раза");
        assert_eq!(said(2.04), "2 раза");
        assert_eq!(said(5.0), "5 раз");
        assert_eq!(said(10.0), "10 раз");
        assert_eq!(said(104.96), "105 раз");
        assert_eq!(times(1.25, 2).replace(NBSP, " "), "1,25 раза");
        assert_eq!(times(1.10, 2).replace(NBSP, " "), "1,1 раза");
    }

    #[test]
    fn counts_and_cases() {
        let user = find("пользователь").unwrap();
        assert_eq!(count(262_947, user.nominative), "262\u{202f}947\u{a0}пользователей");
        assert_eq!(count(21, user.genitive), "21\u{a0}пользователя");
        assert_eq!(count(2, user.genitive), "2\u{a0}пользователей");
        assert_eq!(count(592_u64, find("день").unwrap().nominative), "592\u{a0}дня");
    }

    #[test]
    fn nouns_are_unique() {
        for (i, noun) in NOUNS.iter().enumerate() {
            assert!(NOUNS[..i].iter().all(|other| other.nominative.one != noun.nominative.one));
        }
    }
}
