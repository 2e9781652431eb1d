//! Tables: columns by content, heads repeated over pages, rows that do not split.

use super::columns::{self, Demand};
use super::compose::{Composer, baseline};
use super::flow::{FRAME_HEIGHT, Flow, Mark, Slab};
use super::paragraph::{self, Line, Run, Style};
use super::style::{self, BLOCK_GAP, CELL, HALF, SMALL};
use super::tags::{Attributes, ElemId};
use crate::fonts::Face;
use crate::report::document::{Align, Cell, Inline, Table};
use crate::theme::color;

/// Space left and right of a cell's text; the outer edges of the table have none.
const GUTTER: f32 = 12.0;
/// Space above and below a cell's text.
const PAD: f32 = 3.4;
/// Thickness of the rules under the head and under a row.
const HEAD_RULE: f32 = 0.9;
const ROW_RULE: f32 = 0.4;
/// A table no higher than this share of a page is not split over pages.
const WHOLE: f32 = 0.4;
/// Sizes to try, relative to the normal one, until whole words fit their columns.
const SCALES: [f32; 4] = [1.0, 0.92, 0.84, 0.76];
/// A table of few short columns takes this share of the frame: wider, the eye loses its row.
const NARROW: f32 = 0.66;

/// No word may ask for more than these shares of the width, with and without its divisions: a longer one (a hash) is
/// torn rather than let it starve its neighbours.
const TEAR: (f32, f32) = (0.2, 0.45);

/// Cells of one row, set.
struct Row {
    lines: Vec<Vec<Line>>,
}

/// Geometry of a table's columns.
struct Grid {
    left: f32,
    widths: Vec<f32>,
    aligns: Vec<Align>,
    style: Style,
}

impl Grid {
    fn width(&self) -> f32 {
        self.widths.iter().sum::<f32>() + GUTTER * self.widths.len().saturating_sub(1) as f32
    }

    /// Left edge of column `index`.
    fn column(&self, index: usize) -> f32 {
        self.left + self.widths[..index].iter().sum::<f32>() + GUTTER * index as f32
    }

    fn height(&self, lines: usize) -> f32 {
        lines as f32 * self.style.leading + 2.0 * PAD
    }

    /// Marks of the cells of a row whose text begins `top` points below the top of its slab.
    fn cells<'m>(&self, row: Vec<Vec<Line>>, top: f32) -> Vec<Mark<'m>> {
        let mut marks = Vec::new();
        for (i, lines) in row.into_iter().enumerate() {
            for (n, line) in lines.into_iter().enumerate() {
                let slack = if self.aligns[i] == Align::End { self.widths[i] - line.width } else { 0.0 };
                let y = top + n as f32 * self.style.leading + baseline(&self.style);
                marks.push(Mark::Text { x: self.column(i) + slack, y, line });
            }
        }
        marks
    }

    fn rule<'m>(&self, y: f32, height: f32, color: u32) -> Mark<'m> {
        Mark::Ground { x: self.left, y: y - height, width: self.width(), height, radius: 0.0, color }
    }
}

impl<'a> Composer<'a> {
    /// A table of the text with its numbered caption and its notes.
    pub fn numbered_table(&mut self, table: &'a Table) {
        self.space(BLOCK_GAP);
        self.anchor(&table.id);
        let caption = (!table.caption.is_empty()).then(|| {
            self.numbered.0 += 1;
            (format!("Таблица {}. ", self.numbered.0), table.caption.clone())
        });
        let first = self.slabs.len();
        self.table(table, caption);
        self.notes(&table.notes);
        if self
            .slabs
            .get(first..)
            .is_some_and(|s| s.split_last().is_some_and(|(_, s)| s.iter().all(|s| s.keep)))
        {
            self.slabs[first].flow = Flow::Float;
        }
        self.space(BLOCK_GAP);
    }

    /// A table with a caption of a label and a text.
    pub fn table(&mut self, table: &Table, caption: Option<(String, String)>) {
        if table.columns.is_empty() {
            return;
        }
        self.within("Table", |c| {
            if let Some((label, text)) = &caption {
                c.caption(label, text);
                c.keep_last();
                c.space(HALF * 0.6);
            }
            c.table_body(table);
        });
    }

    /// The caption of a table or figure: its number stands out.
    pub fn caption(&mut self, label: &str, text: &str) {
        let elem = self.tree.add(self.parent, "Caption");
        let run = |text, face, color| Run { text, face, color, scale: 1.0, elem, link: None };
        let runs = [run(label, Face::SemiBold, color::INK), run(text, Face::Regular, color::MUTED)];
        let lines = paragraph::set(self.ts, &runs, self.width, &SMALL);
        let first = self.slabs.len();
        self.push_lines(lines, &SMALL);
        let last = self.slabs.len().saturating_sub(1);
        for slab in self.slabs.iter_mut().take(last).skip(first) {
            slab.keep = true;
        }
    }

    /// Remarks under a table.
    pub fn notes(&mut self, notes: &[String]) {
        for note in notes {
            self.keep_last();
            self.space(HALF * 0.7);
            self.plain("P", note, Face::Regular, color::MUTED, &SMALL);
        }
    }

    fn table_body(&mut self, table: &Table) {
        let head_cells: Vec<Cell> = table.columns.iter().map(|c| Cell::text(c.title.clone())).collect();
        let grid = self.grid(table, &head_cells);
        let head_elem = self.tree.add(self.parent, "THead");
        let head = self.row(&grid, head_elem, &head_cells, true);
        let count = head.lines.iter().map(Vec::len).max().unwrap_or(0);
        let height = grid.height(count);
        // Heads stand on the rule under them, however many lines their neighbours have.
        let mut marks = Vec::new();
        for (i, lines) in head.lines.into_iter().enumerate() {
            let top = PAD + (count - lines.len()) as f32 * grid.style.leading;
            let mut cells: Vec<Vec<Line>> = vec![Vec::new(); i];
            cells.push(lines);
            marks.extend(grid.cells(cells, top));
        }
        marks.push(grid.rule(height, HEAD_RULE, color::MUTED));
        self.push(Slab { height, keep: true, marks, ..Slab::default() });
        let head_slab = self.slabs.len() - 1;
        let body = self.tree.add(self.parent, "TBody");
        let first = self.slabs.len();
        for cells in &table.rows {
            let row = self.row(&grid, body, cells, false);
            self.push_row(&grid, row, head_slab, height);
        }
        self.keep_rows(first);
    }

    /// Small tables stay whole, large ones leave two rows at least on either side of a page break.
    fn keep_rows(&mut self, first: usize) {
        let rows = &mut self.slabs[first..];
        let count = rows.len();
        let whole = rows.iter().map(|r| r.height).sum::<f32>() < WHOLE * FRAME_HEIGHT;
        for (i, row) in rows.iter_mut().enumerate() {
            row.keep |= i + 1 < count && (whole || i == 0 || i + 2 == count);
        }
    }

    /// A row as one slab, or as a few when it is higher than a page.
    fn push_row(&mut self, grid: &Grid, row: Row, head: usize, head_height: f32) {
        let count = row.lines.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let fits = ((FRAME_HEIGHT - head_height - 2.0 * PAD) / grid.style.leading).floor().max(1.0) as usize;
        let mut columns: Vec<std::vec::IntoIter<Line>> = row.lines.into_iter().map(Vec::into_iter).collect();
        for start in (0..count).step_by(fits) {
            let end = (start + fits).min(count);
            let lines = columns.iter_mut().map(|c| c.take(end - start).collect()).collect();
            let height = grid.height(end - start);
            let mut marks = grid.cells(lines, PAD);
            if end == count {
                marks.push(grid.rule(height, ROW_RULE, color::LINE));
            }
            self.push(Slab { height, marks, head: Some(head..head + 1), ..Slab::default() });
        }
    }

    /// Sets the cells of a row. The first cell of a row in the body is its header.
    fn row(&mut self, grid: &Grid, parent: ElemId, cells: &[Cell], head: bool) -> Row {
        let tr = self.tree.add(parent, "TR");
        let mut row = Row { lines: Vec::new() };
        for (i, width) in grid.widths.iter().enumerate() {
            let elem = self.tree.add(tr, if head || i == 0 { "TH" } else { "TD" });
            let attributes = match (head, i) {
                (true, _) => Attributes::ColumnHeader,
                (false, 0) => Attributes::RowHeader,
                (false, _) => Attributes::None,
            };
            self.tree.attributes(elem, attributes);
            let lines = match cells.get(i) {
                Some(cell) => {
                    let signed = signed(cell, grid.aligns[i]);
                    let runs = self.cell_runs(cell, &signed, elem, head);
                    paragraph::set(self.ts, &runs, *width, &grid.style)
                }
                None => Vec::new(),
            };
            row.lines.push(lines);
        }
        row
    }

    fn cell_runs<'t>(
        &mut self,
        cell: &Cell,
        inlines: &'t [Inline],
        elem: ElemId,
        head: bool,
    ) -> Vec<Run<'t>> {
        let ink = match cell.tone {
            Some(tone) => style::tone_colors(tone).0,
            None if head => color::MUTED,
            None => color::INK,
        };
        let mut runs = self.runs(inlines, elem, ink);
        if head || cell.tone.is_some() {
            for run in runs.iter_mut().filter(|r| r.face == Face::Regular) {
                run.face = Face::SemiBold;
            }
        }
        runs
    }

    /// Column widths, at the largest size that lets whole words fit.
    fn grid(&mut self, table: &Table, head: &[Cell]) -> Grid {
        let columns = table.columns.len();
        let available = (self.width - GUTTER * (columns - 1) as f32).max(columns as f32);
        let aligns: Vec<Align> = table.columns.iter().map(|c| c.align).collect();
        let demands = self.demands(table, head, available);
        let words: f32 = demands.iter().map(|d| d.word).sum();
        let scale = SCALES.into_iter().find(|s| words * s <= available).unwrap_or(SCALES[SCALES.len() - 1]);
        let scaled = |d: &Demand| Demand {
            divided: d.divided * scale,
            word: d.word * scale,
            // The sum of fragments rounds differently from the sum of words: a hair of room keeps lines whole.
            line: d.line * scale + 0.1,
        };
        let demands: Vec<Demand> = demands.iter().map(scaled).collect();
        let narrow = columns < 4 && self.panel.is_none();
        let target = if narrow { available * NARROW } else { available };
        let widths = columns::distribute(&demands, target, available);
        let style = Style { size: CELL.size * scale, leading: CELL.leading * scale, ..CELL };
        Grid { left: self.left, widths, aligns, style }
    }

    fn demands(&mut self, table: &Table, head: &[Cell], available: f32) -> Vec<Demand> {
        let mut demands = vec![Demand { divided: 4.0, word: 4.0, line: 4.0 }; table.columns.len()];
        let scratch = self.parent;
        for (n, cells) in std::iter::once(head).chain(table.rows.iter().map(Vec::as_slice)).enumerate() {
            for ((demand, cell), column) in demands.iter_mut().zip(cells).zip(&table.columns) {
                let signed = signed(cell, column.align);
                let bold = n == 0 || cell.tone.is_some();
                let runs: Vec<Run> = signed.iter().map(|i| measured(i, bold, scratch)).collect();
                let extent = paragraph::extent(self.ts, &runs, &CELL);
                demand.divided = demand.divided.max(extent.divided.min(TEAR.0 * available));
                demand.word = demand.word.max(extent.word.min(TEAR.1 * available));
                demand.line = demand.line.max(extent.line);
            }
        }
        demands
    }
}

/// A run that is only measured.
fn measured(inline: &Inline, bold: bool, elem: ElemId) -> Run<'_> {
    let (face, scale) = match inline {
        Inline::Text(_) | Inline::Link { .. } if !bold => (Face::Regular, 1.0),
        Inline::Text(_) | Inline::Strong(_) | Inline::Link { .. } => (Face::SemiBold, 1.0),
        Inline::Emphasis(_) => (Face::Italic, 1.0),
        Inline::Code(_) => (Face::Mono, 0.92),
    };
    Run { text: inline.plain(), face, color: 0, scale, elem, link: None }
}

/// The inlines of a cell with the sign of its mood before its words. Numbers get none: «× 5» would be a product.
fn signed(cell: &Cell, align: Align) -> Vec<Inline> {
    let sign = cell.tone.filter(|_| align == Align::Start && !cell.plain().is_empty());
    let sign = sign.map(|tone| Inline::Text(format!("{}\u{a0}", style::tone_sign(tone))));
    sign.into_iter().chain(cell.inlines.iter().cloned()).collect()
}
