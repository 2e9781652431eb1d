//! An opaque raster as a PNG of few colours (ISO/IEC 15948): a byte a pixel and a palette.
//!
//! A chart is drawn in a dozen colours; the others are their mixtures along edges. The 256 most frequent colours are kept as they
//! are, and a rare mixture becomes the nearest of them. A picture that would suffer by that keeps all its colours at three
//! bytes a pixel.

use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter};
use tiny_skia::Pixmap;

/// How hard the compressor tries: beyond this, twice the time takes a tenth off a chart.
const LEVEL: u8 = 2;

/// Colours of a palette.
const PALETTE: usize = 256;
/// How far a channel of a rare colour may move, of 255: a quarter of the contrast of an edge.
const NEAR: u8 = 64;
/// A colour of so many pixels is more than an edge and moves nowhere.
const SEEN: u32 = 64;
/// Different colours of a picture that is worth a palette.
const COLORS: usize = 4096;

/// Encodes a raster whose every pixel is opaque. The raster is given back before the bytes are compressed: it is by far the
/// largest thing that a report ever holds.
pub(super) fn png(raster: Pixmap) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, raster.width(), raster.height());
    encoder.set_depth(BitDepth::Eight);
    encoder.set_deflate_compression(DeflateCompression::Level(LEVEL));
    let runs = Runs::of(&raster);
    let data = match palette(&runs) {
        Some((palette, places)) => {
            drop(raster);
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(palette);
            // Places in a palette are no amounts: no filter makes them smaller.
            encoder.set_filter(Filter::NoFilter);
            runs.places(&places)
        }
        None => {
            encoder.set_color(ColorType::Rgb);
            let pixels = raster.data().as_chunks::<4>().0;
            let data = pixels.iter().flat_map(|pixel| &pixel[..3]).copied().collect();
            drop(raster);
            data
        }
    };
    drop(runs);
    // Memory takes every byte, and there are as many as the size says; no picture is empty.
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&data));
    if written.is_ok() { bytes } else { Vec::new() }
}

/// A raster as runs of pixels of one colour: what both passes over it need, in a fraction of its size.
struct Runs {
    /// Colours, each with the number of pixels that follow each other in it.
    runs: Vec<(u32, u32)>,
    /// Rows from the top: where their runs end, and how often a row follows itself: most rows of a chart are the one above.
    rows: Vec<(usize, usize)>,
}

impl Runs {
    fn of(raster: &Pixmap) -> Runs {
        let width = raster.width() as usize;
        let mut rest = raster.data();
        let mut found = Runs { runs: Vec::new(), rows: Vec::new() };
        while let Some(row) = rest.get(..4 * width) {
            let times = rest.chunks_exact(4 * width).take_while(|other| *other == row).count();
            rest = &rest[times * 4 * width..];
            let mut pixels = row.as_chunks::<4>().0;
            while let [first, ..] = pixels {
                // Most of a chart is background: eight pixels are compared at once.
                let eights = pixels.chunks_exact(8).take_while(|eight| **eight == [*first; 8]).count();
                let run =
                    8 * eights + pixels[8 * eights..].iter().take_while(|pixel| *pixel == first).count();
                found.runs.push((key(*first), run as u32));
                pixels = &pixels[run..];
            }
            found.rows.push((found.runs.len(), times));
        }
        found
    }

    /// The rows with their runs.
    fn rows(&self) -> impl Iterator<Item = (&[(u32, u32)], usize)> {
        let mut start = 0;
        self.rows
            .iter()
            .map(move |&(end, times)| (&self.runs[std::mem::replace(&mut start, end)..end], times))
    }

    /// The place in the palette of every pixel.
    fn places(&self, places: &Table) -> Vec<u8> {
        let mut data = Vec::new();
        for (row, times) in self.rows() {
            let start = data.len();
            for &(color, run) in row {
                data.resize(data.len() + run as usize, places.slots[places.find(color)].1 as u8);
            }
            let end = data.len();
            for _ in 1..times {
                data.extend_from_within(start..end);
            }
        }
        data
    }
}

/// No pixel has this key.
const NOBODY: u32 = u32::MAX;

/// A pixel as a number: blue, green, red from the highest byte on.
fn key([red, green, blue, _]: [u8; 4]) -> u32 {
    u32::from_le_bytes([red, green, blue, 0])
}

/// Colours with a number each, found by hash.
struct Table {
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Table {
    const BITS: u32 = 13;

    fn new() -> Table {
        Table { slots: vec![(NOBODY, 0); 1 << Self::BITS], used: 0 }
    }

    /// The slot of a colour, or the free one where it belongs. Half of the slots stay free.
    fn find(&self, color: u32) -> usize {
        let mut at = (color.wrapping_mul(0x9E37_79B1) >> (32 - Self::BITS)) as usize;
        while self.slots[at].0 != color && self.slots[at].0 != NOBODY {
            at = (at + 1) % self.slots.len();
        }
        at
    }

    /// The number of a colour, 0 at first. None when there are too many colours.
    fn number(&mut self, color: u32) -> Option<&mut u32> {
        let at = self.find(color);
        if self.slots[at].0 == NOBODY {
            self.used += 1;
            self.slots[at].0 = color;
        }
        (self.used <= COLORS).then(|| &mut self.slots[at].1)
    }
}

/// The palette as a PNG wants it, and the place in it of every colour of the picture. None when it would show.
fn palette(runs: &Runs) -> Option<(Vec<u8>, Table)> {
    let mut table = Table::new();
    for (row, times) in runs.rows() {
        for &(color, run) in row {
            *table.number(color)? += run * times as u32;
        }
    }
    let mut colors: Vec<(u32, u32)> =
        table.slots.iter().copied().filter(|(color, _)| *color != NOBODY).collect();
    colors.sort_unstable_by_key(|(color, seen)| (std::cmp::Reverse(*seen), *color));
    let (kept, rare) = colors.split_at(colors.len().min(PALETTE));
    for (place, (color, _)) in (0..).zip(kept) {
        *table.number(*color)? = place;
    }
    for (color, seen) in rare {
        let distances = kept.iter().map(|(kept, _)| distance(*color, *kept));
        let (near, place) = distances.zip(0..).min()?;
        if near > NEAR || *seen >= SEEN && near > 0 {
            return None;
        }
        *table.number(*color)? = place;
    }
    let channels = |(color, _): &(u32, u32)| color.to_le_bytes().into_iter().take(3);
    Some((kept.iter().flat_map(channels).collect(), table))
}

/// How far two colours are apart in the channel in which they differ most.
fn distance(one: u32, two: u32) -> u8 {
    let pairs = one.to_le_bytes().into_iter().zip(two.to_le_bytes());
    pairs.map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiny_skia::{Color, IntSize};

    /// A raster of these colours in turn.
    fn raster(width: u32, height: u32, color: impl Fn(u32) -> [u8; 3]) -> Pixmap {
        let pixel = |at| {
            let [red, green, blue] = color(at);
            [red, green, blue, 255]
        };
        let data = (0..width * height).flat_map(pixel).collect();
        Pixmap::from_vec(data, IntSize::from_wh(width, height).unwrap()).unwrap()
    }

    #[test]
    fn few_colours_come_back_as_they_are() {
        for colors in [1u32, 2, 7, 256] {
            let raster = raster(101, 67, |at| {
                let n = at * 7 % colors;
                [n as u8, (n * 3) as u8, 255 - n as u8]
            });
            let bytes = png(raster.clone());
            assert_eq!(bytes[25], 3, "{colors} colours have a palette");
            assert_eq!(Pixmap::decode_png(&bytes).unwrap(), raster);
        }
    }

    #[test]
    fn rare_mixtures_move_a_little_and_frequent_colours_not_at_all() {
        // 200 frequent colours, and a hundred that stand for one pixel each.
        let raster = raster(200, 100, |at| match at % 200 {
            0 => [(at / 200) as u8, 1, 1],
            n => [n as u8, 0, 0],
        });
        let back = Pixmap::decode_png(&png(raster.clone())).unwrap();
        for (was, is) in raster.pixels().iter().zip(back.pixels()) {
            assert!(was == is || was.green() == 1 && was.red().abs_diff(is.red()) <= 1, "{was:?} {is:?}");
        }
        assert_eq!(png(raster.clone())[25], 3);
    }

    #[test]
    fn a_picture_of_many_colours_keeps_them() {
        let raster = raster(256, 256, |at| [at as u8, (at >> 8) as u8, (at * 11) as u8]);
        let bytes = png(raster.clone());
        assert_eq!(bytes[25], 2);
        assert_eq!(Pixmap::decode_png(&bytes).unwrap(), raster);
    }

    #[test]
    fn a_spot_of_a_colour_of_its_own_is_not_lost() {
        // More than a palette of frequent greys and blues, and nine pixels of pure red.
        let raster = raster(300, 300, |at| match at {
            500..509 => [255, 0, 0],
            _ => [(at % 257 / 2) as u8, (at % 257 / 2) as u8, (at % 257) as u8],
        });
        assert_eq!(Pixmap::decode_png(&png(raster.clone())).unwrap(), raster);
    }

    #[test]
    fn rows_that_follow_themselves_come_back_as_often() {
        let raster = raster(40, 60, |at| {
            [(at / 40 / 7) as u8, (at % 40 % 3) as u8, if at / 40 == 31 { 9 } else { 0 }]
        });
        assert_eq!(
            Runs::of(&raster).rows().map(|(_, times)| times).collect::<Vec<_>>(),
            [7, 7, 7, 7, 3, 1, 3, 7, 7, 7, 4]
        );
        assert_eq!(Pixmap::decode_png(&png(raster.clone())).unwrap(), raster);
    }

    #[test]
    fn an_empty_field_takes_next_to_nothing() {
        let mut white = Pixmap::new(1198, 1663).unwrap();
        white.fill(Color::WHITE);
        let bytes = png(white.clone());
        assert!(bytes.len() < 4000, "{}", bytes.len());
        assert_eq!(Pixmap::decode_png(&bytes).unwrap(), white);
    }
}
