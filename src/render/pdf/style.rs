//! How the parts of a report look on paper: paragraph styles and spaces, all made from the tokens of the theme.

use super::linebreak::{Alignment, FORBIDDEN};
use super::paragraph::Style;
use crate::report::document::Tone;
use crate::theme::{color, size};

/// Half a line of running text: every vertical space is a multiple of it.
pub const HALF: f32 = size::BODY * size::LEADING / 2.0;
/// Space between paragraphs.
pub const PARAGRAPH_GAP: f32 = HALF;
/// Space around tables, figures, callouts and cards.
pub const BLOCK_GAP: f32 = 2.5 * HALF;
/// Padding inside panels, left and right.
pub const PANEL_PAD: f32 = 14.0;
/// Width of the bar at the left of a panel.
pub const PANEL_BAR: f32 = 3.0;

/// Cost of a hyphen: a line may be stretched almost to ratio 1 to avoid one.
const HYPHEN: f32 = 90.0;
const RAGGED_HYPHEN: f32 = 200.0;
/// More than any ragged line that fits is bad: see `linebreak::RAG`.
const CELL_HYPHEN: f32 = 8_000.0;

/// Running text.
pub const BODY: Style = Style {
    size: size::BODY,
    leading: size::BODY * size::LEADING,
    alignment: Alignment::Justified,
    hyphen_cost: HYPHEN,
};
/// Text of panels and lists of terms: the same with a ragged margin.
pub const NOTE: Style = Style { alignment: Alignment::Ragged, hyphen_cost: RAGGED_HYPHEN, ..BODY };
/// Captions, remarks, the meaning of badges.
pub const SMALL: Style = Style { size: size::SMALL, leading: size::SMALL * 1.38, ..NOTE };
/// Cells of tables: a short line is better there than a hyphen, so that only words wider than their column get one.
pub const CELL: Style =
    Style { size: size::TABLE, leading: size::TABLE * 1.32, hyphen_cost: CELL_HYPHEN, ..NOTE };
/// Title of the document.
pub const TITLE: Style = heading(size::TITLE, 1.2);
/// The decision.
pub const HEADLINE: Style = heading(size::HEADLINE, 1.28);
/// Heading of a section.
pub const H2: Style = heading(size::H2, 1.28);
/// Heading of a subsection.
pub const H3: Style = heading(size::H3, 1.32);
/// Lines of the contents.
pub const CONTENTS: Style = Style { leading: size::BODY * 1.5, ..heading(size::BODY, 1.5) };
/// Label of the verdict.
pub const TAG: Style = heading(size::SMALL + 0.4, 1.4);

const fn heading(size: f32, leading: f32) -> Style {
    Style { size, leading: size * leading, alignment: Alignment::Ragged, hyphen_cost: FORBIDDEN }
}

/// Text and ground colour of a mood.
pub fn tone_colors(tone: Tone) -> (u32, u32) {
    match tone {
        Tone::Note => color::NOTE,
        Tone::Good => color::GOOD,
        Tone::Caution => color::CAUTION,
        Tone::Bad => color::BAD,
        Tone::Void => color::VOID,
    }
}

/// Sign of a mood, so that nothing is said by colour alone.
pub fn tone_sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Note => "i",
        Tone::Good => "✓",
        Tone::Caution => "!",
        Tone::Bad => "×",
        Tone::Void => "–",
    }
}
