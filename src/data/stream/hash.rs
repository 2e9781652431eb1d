//! BLAKE3 of a big file from pieces that are hashed side by side: the same hash as of the whole.

use std::fs::File;
use std::os::unix::fs::FileExt;

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

/// Bytes of a piece: a power of two from 1024 on, so that pieces are subtrees of the hash.
pub(crate) const PIECE: usize = 8 << 20;

/// What is known of one piece; a file of one piece is hashed as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece {
    Whole(blake3::Hash),
    Part(ChainingValue),
}

/// Hashes the piece of that number of a file of `size` bytes that is cut into pieces of `length` bytes.
pub(crate) fn piece(bytes: &[u8], number: usize, size: u64, length: usize) -> Piece {
    if size <= length as u64 {
        return Piece::Whole(blake3::hash(bytes));
    }
    let mut hasher = Hasher::new();
    hasher.set_input_offset((number * length) as u64).update(bytes);
    Piece::Part(hasher.finalize_non_root())
}

/// Reads and hashes the piece of that number a little at a time.
///
/// # Errors
/// What the system says.
pub(crate) fn piece_of(file: &File, number: usize, size: u64) -> std::io::Result<Piece> {
    const AT_ONCE: usize = 256 << 10;
    let start = (number * PIECE) as u64;
    let mut buffer = vec![0; AT_ONCE];
    let mut hasher = Hasher::new();
    if size > PIECE as u64 {
        hasher.set_input_offset(start);
    }
    let mut at = start;
    while at < start + PIECE as u64 {
        let wanted = AT_ONCE.min((start + PIECE as u64 - at) as usize);
        match file.read_at(&mut buffer[..wanted], at) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                at += count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(if size > PIECE as u64 {
        Piece::Part(hasher.finalize_non_root())
    } else {
        Piece::Whole(hasher.finalize())
    })
}

/// How many pieces of `length` bytes a file of that size has.
pub(crate) fn pieces(size: u64, length: usize) -> usize {
    (size.div_ceil(length as u64) as usize).max(1)
}

/// The hash of a file from all of its pieces in their order, in hexadecimal; none where a piece is missing.
pub(crate) fn whole(pieces: &[Piece]) -> Option<String> {
    let hash = match pieces {
        [] => return None,
        [Piece::Whole(hash)] => *hash,
        pieces => {
            let (left, right) = halves(pieces);
            merge_subtrees_root(&subtree(left)?, &subtree(right)?, Mode::Hash)
        }
    };
    Some(hash.to_hex().to_string())
}

fn subtree(pieces: &[Piece]) -> Option<ChainingValue> {
    match pieces {
        [] | [Piece::Whole(_)] => None,
        [Piece::Part(value)] => Some(*value),
        pieces => {
            let (left, right) = halves(pieces);
            Some(merge_subtrees_non_root(&subtree(left)?, &subtree(right)?, Mode::Hash))
        }
    }
}

/// The left subtree of BLAKE3 is the largest power of two that leaves something to the right.
fn halves(pieces: &[Piece]) -> (&[Piece], &[Piece]) {
    pieces.split_at(pieces.len().next_power_of_two() / 2)
}

/// Some bytes of a file, fewer where it ends.
///
/// # Errors
/// What the system says.
pub(crate) fn read_range(file: &File, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn pieces_give_the_hash_of_the_whole() {
        const LENGTH: usize = 2048;
        let bytes: Vec<u8> =
            (0..7 * LENGTH as u32 + 77).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for size in [0, 1, LENGTH, LENGTH + 1, 2 * LENGTH, 3 * LENGTH + 77, 5 * LENGTH, 7 * LENGTH + 77] {
            let file = &bytes[..size];
            let found: Vec<Piece> = (0..pieces(size as u64, LENGTH))
                .map(|number| {
                    let start = number * LENGTH;
                    piece(&file[start..(start + LENGTH).min(size)], number, size as u64, LENGTH)
                })
                .collect();
            assert_eq!(whole(&found), Some(blake3::hash(file).to_hex().to_string()), "{size}");
        }
    }

    #[test]
    fn a_file_is_hashed_as_it_is() {
        let bytes: Vec<u8> = (0..PIECE as u32 + 4321).map(|i| (i >> 3) as u8).collect();
        for size in [100, PIECE + 4321] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes[..size]).unwrap();
            let found: Vec<Piece> = (0..pieces(size as u64, PIECE))
                .map(|number| piece_of(&file, number, size as u64).unwrap())
                .collect();
            assert_eq!(whole(&found), Some(blake3::hash(&bytes[..size]).to_hex().to_string()));
        }
    }
}
