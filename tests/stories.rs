//! Whole stories from files to pages, as users bring them: visitors known as counts with orders in another file, an event log
//! with a funnel and two control groups, exposures with payments from before and after them.
//!
//! Every expected number was computed by pandas, scipy and statsmodels from the same files, never by this program; the
//! comments name the calls.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What a run of one story left behind.
struct Told {
    results: Value,
    page: String,
    folder: tempfile::TempDir,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stories")
}

/// Runs a story from a folder of its own and reads what it wrote.
fn told(name: &str) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let config = fixtures().join(format!("{name}.toml"));
    let run = Command::new(env!("CARGO_BIN_EXE_itog"))
        .args(["run", config.to_str().unwrap(), "--out", "output", "--date", "2026-11-01"])
        .current_dir(folder.path())
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let report = folder.path().join("output/2026-11-01").join(name);
    let results = serde_json::from_slice(&fs::read(report.join("results.json")).unwrap()).unwrap();
    let page = fs::read_to_string(report.join("report.html")).unwrap();
    // Spaces that do not break are spaces to a reader.
    let page = page.replace(['\u{a0}', '\u{202f}'], " ");
    Told { results, page, folder }
}

impl Told {
    fn says(&self, sentence: &str) {
        assert!(self.page.contains(sentence), "the page does not say «{sentence}»");
    }

    fn metric(&self, id: &str) -> &Value {
        self.results["metrics"].as_array().unwrap().iter().find(|m| m["id"] == id).unwrap()
    }

    /// The comparison of a metric with this role: `decides` or `controls`.
    fn pair(&self, metric: &str, role: &str) -> &Value {
        let pairs = self.metric(metric)["comparisons"].as_array().unwrap();
        pairs.iter().find(|c| c["role"] == role).unwrap()
    }

    /// The bytes of the PDF.
    fn pdf(&self) -> Vec<u8> {
        let id = self.results["experiment"]["id"].as_str().unwrap();
        fs::read(self.folder.path().join("output/2026-11-01").join(id).join("report.pdf")).unwrap()
    }
}

#[track_caller]
fn close(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((value - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{value} is not {expected}");
}

/// `groupby("visitorId").group.nunique()`: 11 visitors ordered in both groups; their 22 orders are left out, the visitors
/// themselves cannot be taken off the counts.
#[test]
fn orders_of_visitors_known_by_day() {
    let told = told("orders");
    assert!(told.pdf().starts_with(b"%PDF-"));
    let facts = &told.results["data"]["facts"][0];
    assert_eq!(
        (&facts["rows"], &facts["rows_used"], &facts["units_with_rows"]),
        (&1136.into(), &1114.into(), &1059.into())
    );
    assert_eq!(facts["left_out"]["units_in_two_groups"], serde_json::json!({ "rows": 22, "units": 11 }));
    assert_eq!(told.results["data"]["contamination"]["units_in_two_groups"], 11);

    // proportions_ztest([473, 586], [9371, 9294]); its interval by
    // confint_proportions_2indep(…, method="score") to the 5e-6 by which that root finder stops early.
    let conversion = told.pair("conversion", "decides");
    assert_eq!(conversion["test"], "z");
    close(&conversion["statistic"], -3.713_572_430_663_681_7);
    close(&conversion["p"], 0.000_204_353_942_020_460_5);
    let ci = &conversion["effect"]["absolute"]["ci"];
    assert!(
        (ci[0].as_f64().unwrap() - 0.005_947_8).abs() < 1e-5
            && (ci[1].as_f64().unwrap() - 0.019_233_4).abs() < 1e-5
    );

    // The delta method by hand over revenue and orders by buyer: np.cov(s, c, ddof=1), r = Σs / Σc,
    // var = (v_ss − 2 r v_sc + r² v_cc) / mean(c)² / n.
    let order = told.pair("average_order", "decides");
    assert_eq!(
        (&order["test"], &told.metric("average_order")["groups"][0]["n"]),
        (&"delta".into(), &473.into())
    );
    close(&order["effect"]["absolute"]["estimate"], 145.634_472_956_762_24);
    close(&order["statistic"], -0.541_309_797_149_113_3);
    close(&order["effect"]["absolute"]["ci"][0], -381.675_993_999_551_7);
    close(&order["effect"]["absolute"]["ci"][1], 672.944_939_913_076_2);

    // Zeros for visitors without orders; ttest_ind(equal_var=False) stands beside the permutation test, whose p is 0.0079
    // over 20 000 permutations of numpy's.
    let revenue = told.pair("revenue_per_visitor", "decides");
    close(&told.metric("revenue_per_visitor")["groups"][1]["mean"], 183.760_275_446_524_64);
    assert_eq!(revenue["test"], "permutation");
    assert!((revenue["p"].as_f64().unwrap() - 0.0079).abs() < 0.003);
    let welch = revenue["tests"].as_array().unwrap().iter().find(|t| t["test"] == "welch").unwrap();
    close(&welch["p"], 0.026_767_361_325_093_247);

    assert_eq!(
        (&told.results["decision"]["action"], &told.results["decision"]["winner"]),
        (&"ship".into(), &"B".into())
    );
    told.says("Выкатить вариант B.");
    told.says(
        "Пользователей сразу в двух группах: 11; их строки в расчёт не вошли, а размеры групп не изменились",
    );
    told.says("Одно наблюдение — 148 500,00 ₽ в группе B — даёт 9 % суммы своей группы.");
}

/// Steps by sets of devices: those of a step and of all before it. Four devices are in two groups.
#[test]
fn a_funnel_of_an_event_log_with_two_controls() {
    let told = told("fonts");
    assert!(told.pdf().starts_with(b"%PDF-"));
    let sizes: Vec<u64> = told.results["data"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["units"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [103, 106, 117]);
    assert_eq!(told.results["data"]["contamination"]["units_in_two_groups"], 4);
    close(&told.results["data"]["srm"]["p"], 0.606_530_659_712_633_4);

    // Devices that came so far in 246, 247 and 248; proportions_ztest of 246 + 247 against 248 and of 246 against 247 —
    // for the main screen, where events are few, fisher_exact — with multipletests(method="holm") over the five steps, and
    // over the six comparisons of the controls.
    let steps = [
        ("main", [102, 106, 114], 0.133_726_292_152_853, 0.133_726_292_152_853),
        ("offers", [55, 69, 94], 0.000_110_494_356_379_615_8, 0.000_552_471_781_898_079),
        ("cart", [43, 58, 78], 0.001_410_861_366_022_068_4, 0.005_643_445_464_088_27),
        ("payment", [36, 48, 66], 0.004_827_257_723_948_038, 0.014_481_773_171_844_11),
        ("paid", [32, 42, 58], 0.012_440_983_867_612_497, 0.024_881_967_735_225),
    ];
    let controls = [0.492_822_966_507_177, 0.426_285_329_964_833_5, 0.364_076, 0.486_341_83, 0.486_341_83];
    for ((step, came, p, adjusted), of_controls) in steps.iter().zip(controls) {
        let metric = told.metric(&format!("purchase-{step}"));
        let of = |id: &str| {
            let groups = metric["groups"].as_array().unwrap();
            groups.iter().find(|g| g["id"] == id).unwrap()["successes"].as_u64().unwrap()
        };
        assert_eq!([of("246"), of("247"), of("248")], *came, "{step}");
        assert_eq!(of("246 + 247"), came[0] + came[1], "{step}");
        let pair = told.pair(&format!("purchase-{step}"), "decides");
        close(&pair["p"], *p);
        close(&pair["p_adjusted"], *adjusted);
        assert_eq!(metric["comparisons_in_family"], 5);
        let of_pair = told.pair(&format!("purchase-{step}"), "controls")["p_adjusted"].as_f64().unwrap();
        assert!((of_pair - of_controls).abs() < 1e-6, "{step}: {of_pair}");
    }
    // ttest_ind(equal_var=False) of the events by device.
    close(&told.pair("events", "decides")["p"], 0.001_780_411_356_153_673);

    assert_eq!(told.results["decision"]["action"], "ship");
    told.says("Контрольные группы 246, 247 взяты вместе: они видели одно и то же.");
    told.says("248 − (246 + 247)");
    told.says("1,2 % пользователей побывали сразу в двух группах и в расчёт не вошли.");
    told.says("Больше всего пользователей теряется перед шагом «Предложения»");
    told.says("Разница не обнаружена на шаге «Главный экран».");
    told.says("Контрольные группы между собой: 247 − 246");
}

/// Payments joined by user to exposures with a time: 771 are from before the exposure, 25 of strangers.
#[test]
fn payments_with_what_was_known_before() {
    let told = told("payments");
    let left = &told.results["data"]["facts"][0]["left_out"];
    assert_eq!(left["before_exposure"], serde_json::json!({ "rows": 771, "units": 396 }));
    assert_eq!(left["unknown_units"], serde_json::json!({ "rows": 25, "units": 25 }));

    // np.quantile(revenue, 0.99) over both groups draws seven values in. CUPED: lstsq of the values on tenure (missing ones at
    // the mean) and the revenue before the exposure, all centred in their groups; then ttest_ind(equal_var=False).
    let revenue = told.pair("revenue", "decides");
    assert_eq!(revenue["test"], "cuped");
    close(&told.metric("revenue")["winsorized"]["high"], 4_313.124_700_000_002);
    assert_eq!(told.metric("revenue")["winsorized"]["lowered"], 7);
    close(&revenue["effect"]["absolute"]["estimate"], 84.074_062_148_510_34);
    close(&revenue["p"], 0.091_948_485_549_375_25);
    close(&revenue["adjustment"]["variance_ratio"], 0.596_713_086_381_620_9);
    assert_eq!(revenue["adjustment"]["missing"], 21);
    // Two metrics of one family: Holm over both.
    close(&revenue["p_adjusted"], 2.0 * 0.091_948_485_549_375_25);
    assert_eq!(told.metric("revenue")["family"], "money");

    // Σ_k (n_k / n) (mean_B,k − mean_A,k) over three countries, its error from the variances inside them.
    let payments = told.pair("payments", "decides");
    assert_eq!(
        (&payments["test"], &payments["adjustment"]["strata"]),
        (&"post-stratified".into(), &3.into())
    );
    close(&payments["effect"]["absolute"]["estimate"], 0.209_803_494_414_478_1);
    close(&payments["statistic"], -1.662_964_021_046_021);

    // The share of payers, having paid before as its covariate.
    close(&told.pair("paying", "decides")["p"], 0.018_385_546_873_643_43);

    // groupby("group").amount.quantile(0.9) over payments, 995 of 448 users.
    let large = told.metric("large_payment");
    assert_eq!(large["clusters"], serde_json::json!({ "rows": 995, "units": 448 }));
    close(&large["groups"][0]["mean"], 725.18);
    close(&large["groups"][1]["mean"], 682.82);

    // scipy.stats.brunnermunzel of the payers' revenue.
    let rank = told.pair("amount_rank", "decides");
    close(&rank["statistic"], -0.016_755_634_120_253_222);
    close(&rank["p"], 0.986_639_110_387_537_7);

    told.says("Поправка убрала 40 % дисперсии разницы: без неё для той же точности понадобилось бы в 1,7 раза больше");
    told.says("«Месяцев с регистрации» и значение самого показателя до эксперимента");
    told.says("Крайние значения подрезаны: те, что выше 4 313,12 ₽ (их 7), заменены этой границей");
    told.says("слои по столбцу «country» (слоёв — 3)");
    told.says("В расчёте 995 строк, 448 пользователей.");
    told.says("«Платежи»: не вошло в расчёт то, что делали не участники эксперимента: строк — 25, пользователей — 25.");
}
