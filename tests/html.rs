//! The HTML of a document: structure, escaping, self-containedness, overrides.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

#[path = "html/sample.rs"]
mod sample;

use itog::render::html::{Renderer, render};
use itog::report::document::{Block, Cell, Column, Inline, Table, Target, Tone};
use itog::wording::overrides::Override;

fn html() -> String {
    render(&sample::report()).unwrap_or_else(|error| panic!("{error}"))
}

/// The values of an attribute, in order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let open = format!(" {attribute}=\"");
    html.match_indices(&open).filter_map(|(at, found)| html[at + found.len()..].split('"').next()).collect()
}

/// The page without style sheet and script.
fn markup(html: &str) -> String {
    let (head, rest) = html.split_once("<style ").unwrap();
    let (_, rest) = rest.split_once("</script>").unwrap();
    format!("{head}{rest}")
}

#[test]
fn the_same_document_gives_the_same_bytes_under_a_megabyte() {
    assert_eq!(html(), html());
    assert!(html().len() < 1_000_000, "{}", html().len());
}

#[test]
fn nothing_is_requested_from_elsewhere() {
    let html = html();
    let markup = markup(&html);
    for attribute in ["src", "srcset", "data", "action", "poster"] {
        assert_eq!(values(&markup, attribute), Vec::<&str>::new(), "{attribute}");
    }
    for href in values(&markup, "href") {
        assert!(href.starts_with('#') || href.starts_with("data:") || !href.contains(':'), "{href}");
    }
    assert!(!html.contains("@import"));
    let urls: Vec<&str> = html.split("url(").skip(1).map(|rest| &rest[..5]).collect();
    assert!(urls.len() >= 2 && urls.iter().all(|url| *url == "data:"), "{urls:?}");
    assert!(
        markup.contains("default-src &#39;none&#39;")
            || markup.contains("default-src 'none'")
            || markup.contains("default-src &#x27;none&#x27;")
    );
}

#[test]
fn ids_are_unique_and_every_anchor_leads_somewhere() {
    let html = markup(&html());
    let mut ids = values(&html, "id");
    for href in values(&html, "href").iter().filter_map(|href| href.strip_prefix('#')) {
        assert!(ids.contains(&href), "#{href}");
    }
    for label in values(&html, "aria-labelledby") {
        assert!(ids.contains(&label), "{label}");
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn long_tables_are_searched_each_and_the_tables_of_one_list_together() {
    let table = |id: &str| {
        Block::Table(Table {
            id: id.into(),
            caption: id.into(),
            columns: vec![Column::text("Эксперимент")],
            rows: vec![vec![Cell::text("Опыт")]; 30],
            notes: vec![],
        })
    };
    let mut document = sample::report();
    document.blocks = vec![table("first"), table("second")];
    let fields = |html: &str| html.matches("type=\"search\"").count();
    assert_eq!(fields(&markup(&render(&document).unwrap())), 2);
    document.meta.one_list = true;
    let together = markup(&render(&document).unwrap());
    assert_eq!(fields(&together), 1);
    assert!(together.find("type=\"search\"") < together.find("<table"));
}

#[test]
fn the_verdict_is_first_and_captions_are_numbered() {
    let html = markup(&html());
    let at = |needle: &str| html.find(needle).unwrap_or_else(|| panic!("{needle}"));
    assert!(at("<main") < at("class=\"verdict") && at("class=\"verdict") < at("<h2 id=\"analysis\">"));
    assert!(html.contains("<b>Таблица 1.</b> Критерии") && html.contains("<b>Таблица 2.</b> Столбцы"));
    assert!(html.contains("<b>Рисунок 1.</b> Разница") && !html.contains("Таблица 3"));
    assert_eq!(html.matches("<h1>").count(), 1);
    assert_eq!(html.matches("role=\"img\" aria-label=\"Все три интервала").count(), 1);
}

#[test]
fn tables_have_headers_and_sort_values() {
    let html = markup(&html());
    let rows = html.matches("<tr>").count();
    assert_eq!(html.matches("<th scope=\"row\"").count() + html.matches("<thead>").count(), rows);
    assert!(html.contains("data-sort=\"0.887\""));
    assert!(
        html.contains("class=\"start tone-bad\">")
            && html.contains("<span class=\"aloud\">плохо: </span>хуже")
    );
}

#[test]
fn what_comes_from_outside_is_text() {
    let mut document = sample::report();
    document.meta.title = "</title><script>alert(1)</script>".into();
    document.blocks.push(Block::Paragraph {
        inlines: vec![
            Inline::text("<img src=x onerror=alert(1)>"),
            Inline::Link { text: "<b>".into(), target: Target::File("javascript:alert(1)".into()) },
            Inline::Link { text: "q".into(), target: Target::File("a\"onclick=\"x".into()) },
        ],
    });
    document.blocks.push(Block::heading(2, "x", "\"><script>"));
    document.blocks.push(Block::Callout { tone: Tone::Note, title: "{{ meta }}".into(), paragraphs: vec![] });
    document.blocks.push(Block::Table(Table {
        id: "t".into(),
        caption: "<i>".into(),
        columns: vec![Column::text("<u>")],
        rows: vec![vec![Cell::text("<s>")]],
        notes: vec!["<q>".into()],
    }));
    let html = markup(&render(&document).unwrap());
    assert_eq!(html.matches("<script").count(), 0);
    for tag in ["<img", "<b><", "<i>", "<u>", "<s>", "<q>", "onclick=\"", "href=\"javascript:"] {
        assert!(!html.contains(tag), "{tag}");
    }
    assert!(html.contains("{{ meta }}"), "templates in data are not run");
}

#[test]
fn a_digest_of_a_thousand_experiments_stays_under_a_megabyte() {
    let row = |i: usize| {
        let link = |text: String, file: &str| Inline::Link {
            text,
            target: Target::File(format!("experiment-{i:04}/{file}")),
        };
        vec![
            Cell {
                inlines: vec![link(
                    format!("Среднее время на\u{a0}пользователя, вариант {i}"),
                    "report.html",
                )],
                sort: None,
                tone: None,
            },
            Cell::text("Продолжать").tone(Tone::Caution),
            Cell::text(
                "Не выкатывать B и\u{a0}продолжать тест. Данных не\u{a0}хватает, чтобы увидеть разницу в\u{a0}показателе «ARPPU».",
            ),
            Cell { inlines: vec![link("PDF".into(), "report.pdf")], sort: None, tone: None },
        ]
    };
    let mut document = sample::report();
    document.blocks = vec![Block::Table(Table {
        id: "experiments".into(),
        caption: "Эксперименты".into(),
        columns: ["Эксперимент", "Решение", "Что найдено", "Файл"].map(Column::text).into(),
        rows: (0..1000).map(row).collect(),
        notes: vec![],
    })];
    let html = render(&document).unwrap();
    assert!(html.len() < 1_000_000, "{}", html.len());
    assert!(html.contains("type=\"search\""));
}

#[test]
fn a_document_of_nothing_is_a_page() {
    let mut document = sample::report();
    document.blocks.clear();
    document.meta.contents = false;
    let html = render(&document).unwrap();
    assert!(html.contains("<main") && !html.contains("<nav"));
}

fn file(name: &str, text: &str) -> Override {
    Override { name: name.into(), file: std::path::PathBuf::from("mine").join(name), text: text.into() }
}

#[test]
fn overrides_replace_and_broken_ones_are_diagnostics_with_their_line() {
    let page = file("html/report.html.tera", "<!DOCTYPE html>\n<title>{{ meta.title }}</title>");
    let renderer = Renderer::with_overrides(&[page, file("html/report.css", "p{color:red}")]).unwrap();
    let html = renderer.render(&sample::report()).unwrap();
    assert_eq!(html, "<!DOCTYPE html>\n<title>ARPPU в двух группах</title>");

    let problems = Renderer::with_overrides(&[
        file("html/parts.html.tera", "{% component inline(spans) %}\n{{ spans"),
        file("html/reprot.css", ""),
    ])
    .unwrap_err();
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("did you mean `html/report.css`"), "{}", texts[0]);
    assert!(texts[1].starts_with("mine/html/parts.html.tera:2:"), "{}", texts[1]);

    let absent = Renderer::with_overrides(&[file("html/report.html.tera", "a\n{{ nosuch }}")]).unwrap();
    let error = absent.render(&sample::report()).unwrap_err();
    assert!(error.to_string().starts_with("html/report.html.tera:2: "), "{error}");
}
