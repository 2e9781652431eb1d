//! A zlib stream (RFC 1950, RFC 1951) of what pictures are made of: long runs, and rows that repeat the row above.
//!
//! General compressors search chains of candidates at every byte; in a chart the byte before, the row above and the last place
//! where the same eight bytes stood find nearly everything, in a fraction of the time.

/// Bytes that a match may look back.
const WINDOW: usize = 32_768;
/// Shortest match worth its code: a place is remembered by its first bytes, so many.
const SHORTEST: usize = 4;
/// Longest match of the format.
const LONGEST: usize = 258;
/// Bits of the table of places.
const PLACES: u32 = 14;
/// Symbols of a block: after so many the codes are made anew.
const BLOCK: usize = 16_384;
/// End of a block among the literals.
const END: usize = 256;
/// First code of the 29 length codes: the shortest length and the number of extra bits.
const LENGTHS: [(u16, u8); 29] = {
    let mut table = [(0, 0); 29];
    let (mut code, mut length) = (0, 3);
    while code < 28 {
        let extra = if code < 8 { 0 } else { (code / 4 - 1) as u8 };
        table[code] = (length, extra);
        length += 1 << extra;
        code += 1;
    }
    table[28] = (LONGEST as u16, 0);
    table
};
/// The 30 distance codes: the shortest distance and the number of extra bits.
const DISTANCES: [(u16, u8); 30] = {
    let mut table = [(0, 0); 30];
    let (mut code, mut distance) = (0, 1u16);
    while code < 30 {
        let extra = if code < 4 { 0 } else { (code / 2 - 1) as u8 };
        table[code] = (distance, extra);
        distance = distance.wrapping_add(1 << extra);
        code += 1;
    }
    table
};
/// The code of each length, from 3 on.
const CODE_OF_LENGTH: [u8; LONGEST - 2] = {
    let mut table = [0; LONGEST - 2];
    let (mut length, mut code) = (3, 0);
    while length <= LONGEST {
        while code < 28 && LENGTHS[code + 1].0 as usize <= length {
            code += 1;
        }
        table[length - 3] = code as u8;
        length += 1;
    }
    table
};
/// Order in which the lengths of the codes of code lengths are written.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// One step of the stream.
#[derive(Clone, Copy)]
enum Step {
    Byte(u8),
    Match { length: u16, distance: u16 },
}

/// Compresses `data`, whose rows are `stride` bytes each.
pub(super) fn zlib(data: &[u8], stride: usize) -> Vec<u8> {
    let mut out = Bits { bytes: vec![0x78, 0x01], held: 0, count: 0 };
    let mut places = vec![u32::MAX; 1 << PLACES];
    let mut steps = Vec::with_capacity(BLOCK);
    let mut at = 0;
    while at < data.len() {
        if steps.len() == BLOCK {
            block(&mut out, &steps, false);
            steps.clear();
        }
        let (length, distance) = longest(data, at, stride, &mut places);
        if length < SHORTEST {
            steps.push(Step::Byte(data[at]));
            at += 1;
        } else {
            steps.push(Step::Match { length: length as u16, distance: distance as u16 });
            at += length;
        }
    }
    block(&mut out, &steps, true);
    let mut bytes = out.finish();
    bytes.extend(adler32(data).to_be_bytes());
    bytes
}

/// The longest of three matches for what stands `at`, as length and distance; remembers the place.
fn longest(data: &[u8], at: usize, stride: usize, places: &mut [u32]) -> (usize, usize) {
    let Some(first) = data.get(at..at + SHORTEST) else { return (0, 0) };
    let key = u32::from_le_bytes([first[0], first[1], first[2], first[3]]);
    let place = &mut places[(key.wrapping_mul(0x9E37_79B1) >> (32 - PLACES)) as usize];
    let last = std::mem::replace(place, at as u32) as usize;
    let mut best = (0, 0);
    for from in [at.wrapping_sub(1), at.wrapping_sub(stride), last] {
        // A place before the beginning wraps to one far behind.
        if from >= at || at - from > WINDOW || best.0 == LONGEST {
            continue;
        }
        let length = common(data, from, at);
        if length > best.0 {
            best = (length, at - from);
        }
    }
    best
}

/// How many bytes, at most [`LONGEST`], are the same from `from` and from the later `at`.
fn common(data: &[u8], from: usize, at: usize) -> usize {
    let most = LONGEST.min(data.len() - at);
    let (one, two) = (&data[from..from + most], &data[at..at + most]);
    let (ones, twos) = (one.chunks_exact(8), two.chunks_exact(8));
    let mut length = 0;
    for (a, b) in ones.zip(twos) {
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        let differs = word(a) ^ word(b);
        if differs != 0 {
            return length + differs.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + one[length..].iter().zip(&two[length..]).take_while(|(a, b)| a == b).count()
}

/// The code of a distance.
fn distance_code(distance: u16) -> usize {
    let rest = u32::from(distance - 1);
    if rest < 4 {
        return rest as usize;
    }
    let top = 31 - rest.leading_zeros();
    (2 * top + (rest >> (top - 1) & 1)) as usize
}

/// Writes a block with codes of its own.
fn block(out: &mut Bits, steps: &[Step], last: bool) {
    let (mut literals, mut distances) = ([0u32; 286], [0u32; 30]);
    literals[END] = 1;
    for step in steps {
        match *step {
            Step::Byte(byte) => literals[usize::from(byte)] += 1,
            Step::Match { length, distance } => {
                literals[END + 1 + usize::from(CODE_OF_LENGTH[usize::from(length) - 3])] += 1;
                distances[distance_code(distance)] += 1;
            }
        }
    }
    // A code must have two symbols to be complete, used or not.
    for used in [&mut literals[..], &mut distances[..]] {
        used.iter_mut().take(2).for_each(|count| *count = (*count).max(1));
    }
    let (literal_lengths, distance_lengths) = (code_lengths(&literals, 15), code_lengths(&distances, 15));
    out.put(u32::from(last) | 2 << 1, 3);
    header(out, &literal_lengths, &distance_lengths);
    let (literals, distances) = (codes(&literal_lengths), codes(&distance_lengths));
    for step in steps {
        match *step {
            Step::Byte(byte) => out.put_code(literals[usize::from(byte)]),
            Step::Match { length, distance } => {
                let code = usize::from(CODE_OF_LENGTH[usize::from(length) - 3]);
                out.put_code(literals[END + 1 + code]);
                out.put(u32::from(length - LENGTHS[code].0), u32::from(LENGTHS[code].1));
                let code = distance_code(distance);
                out.put_code(distances[code]);
                out.put(u32::from(distance - DISTANCES[code].0), u32::from(DISTANCES[code].1));
            }
        }
    }
    out.put_code(literals[END]);
}

/// Writes the lengths of both codes, runs of zeros shortened.
fn header(out: &mut Bits, literals: &[u8], distances: &[u8]) {
    let lengths: Vec<u8> = literals.iter().chain(distances).copied().collect();
    let mut symbols: Vec<(u8, u32, u32)> = Vec::new();
    let mut at = 0;
    while at < lengths.len() {
        let run = lengths[at..].iter().take_while(|length| **length == lengths[at]).count();
        let (taken, symbol) = match (lengths[at], run) {
            (0, 11..) => (run.min(138), (18, run.min(138) as u32 - 11, 7)),
            (0, 3..) => (run, (17, run as u32 - 3, 3)),
            (length, _) => (1, (length, 0, 0)),
        };
        symbols.push(symbol);
        at += taken;
    }
    let mut used = [0u32; 19];
    for (symbol, ..) in &symbols {
        used[usize::from(*symbol)] += 1;
    }
    let lengths = code_lengths(&used, 7);
    let written = ORDER.iter().rposition(|symbol| lengths[*symbol] > 0).map_or(4, |last| (last + 1).max(4));
    out.put(literals.len() as u32 - 257, 5);
    out.put(distances.len() as u32 - 1, 5);
    out.put(written as u32 - 4, 4);
    for symbol in &ORDER[..written] {
        out.put(u32::from(lengths[*symbol]), 3);
    }
    let codes = codes(&lengths);
    for (symbol, extra, bits) in symbols {
        out.put_code(codes[usize::from(symbol)]);
        out.put(extra, bits);
    }
}

/// Huffman's code lengths for symbols used so often, none longer than `most` bits; 0 for a symbol that is not used.
fn code_lengths(used: &[u32], most: u8) -> Vec<u8> {
    let mut lengths = vec![0; used.len()];
    let mut leaves: Vec<(u32, usize)> =
        used.iter().enumerate().filter(|(_, n)| **n > 0).map(|(symbol, n)| (*n, symbol)).collect();
    leaves.sort_unstable();
    if leaves.len() < 2 {
        leaves.iter().for_each(|(_, symbol)| lengths[*symbol] = 1);
        return lengths;
    }
    // Two queues, both in order: leaves, and the pairs made of the two rarest. A node knows its parent.
    let count = leaves.len();
    let mut weight: Vec<u64> = leaves.iter().map(|(n, _)| u64::from(*n)).collect();
    let mut parent = vec![0; 2 * count - 1];
    let (mut leaf, mut pair) = (0, count);
    for node in count..2 * count - 1 {
        let mut rarest = || {
            let from_leaves = leaf < count && (pair >= weight.len() || weight[leaf] <= weight[pair]);
            let next = if from_leaves { &mut leaf } else { &mut pair };
            *next += 1;
            *next - 1
        };
        let (one, two) = (rarest(), rarest());
        parent[one] = node;
        parent[two] = node;
        weight.push(weight[one] + weight[two]);
    }
    let mut depth = vec![0usize; 2 * count - 1];
    for node in (0..2 * count - 2).rev() {
        depth[node] = depth[parent[node]] + 1;
    }
    // So many codes of each length; those that are too long are brought up, and others pushed down until the code is complete
    // again.
    let longest = usize::from(most);
    let mut of_length = vec![0u32; longest + 1];
    depth[..count].iter().for_each(|depth| of_length[(*depth).min(longest)] += 1);
    let mut room: u32 = (1..=longest).map(|length| of_length[length] << (longest - length)).sum();
    while room > 1 << longest {
        let Some(shorter) = (1..longest).rev().find(|length| of_length[*length] > 0) else { break };
        of_length[shorter] -= 1;
        of_length[shorter + 1] += 2;
        of_length[longest] -= 1;
        room -= 1;
    }
    let mut rarest_first = leaves.iter();
    for length in (1..=longest).rev() {
        for (_, symbol) in rarest_first.by_ref().take(of_length[length] as usize) {
            lengths[*symbol] = length as u8;
        }
    }
    lengths
}

/// The canonical codes of these lengths, bits turned round as the stream wants them: code and length.
fn codes(lengths: &[u8]) -> Vec<(u32, u32)> {
    let mut next = [0u32; 17];
    for length in lengths.iter().filter(|length| **length > 0) {
        next[usize::from(*length) + 1] += 1;
    }
    for length in 1..17 {
        // What was counted at the length before begins this one, doubled.
        next[length] = (next[length] + next[length - 1]) << 1;
    }
    let code = |length: &u8| {
        if *length == 0 {
            return (0, 0);
        }
        let code = &mut next[usize::from(*length)];
        *code += 1;
        ((*code - 1).reverse_bits() >> (32 - u32::from(*length)), u32::from(*length))
    };
    lengths.iter().map(code).collect()
}

/// Bits, the lowest first.
struct Bits {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, bits: u32, count: u32) {
        self.held |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 32 {
            self.bytes.extend((self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    fn put_code(&mut self, (code, length): (u32, u32)) {
        self.put(code, length);
    }

    fn finish(mut self) -> Vec<u8> {
        let rest = self.held.to_le_bytes();
        self.bytes.extend(&rest[..self.count.div_ceil(8) as usize]);
        self.bytes
    }
}

/// The check sum of zlib.
fn adler32(data: &[u8]) -> u32 {
    const PRIME: u64 = 65_521;
    let (mut a, mut b) = (1u64, 0u64);
    // Sums over a chunk at once instead of byte after byte; a chunk's sums fit into 32 bits.
    for chunk in data.chunks(4096) {
        let count = chunk.len() as u32;
        let sum: u32 = chunk.iter().map(|byte| u32::from(*byte)).sum();
        let late: u32 = chunk.iter().zip(0u32..).map(|(byte, i)| (count - i) * u32::from(*byte)).sum();
        b = (b + u64::from(count) * a + u64::from(late)) % PRIME;
        a = (a + u64::from(sum)) % PRIME;
    }
    (b << 16 | a) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a reader makes of a stream: every kind of block, code and match that this module writes.
    fn unpacked(stream: &[u8]) -> Vec<u8> {
        let mut bits =
            stream[2..].iter().flat_map(|byte| (0..8).map(move |bit| usize::from(byte >> bit & 1)));
        fn number(bits: &mut impl Iterator<Item = usize>, count: u8) -> usize {
            (0..count).map(|bit| bits.next().unwrap() << bit).sum()
        }
        fn symbol(bits: &mut impl Iterator<Item = usize>, codes: &[(u32, u32)]) -> usize {
            let (mut code, mut length) = (0, 0);
            loop {
                code |= (bits.next().unwrap() as u32) << length;
                length += 1;
                assert!(length <= 15, "a code that nobody has");
                if let Some(symbol) = codes.iter().position(|other| *other == (code, length)) {
                    return symbol;
                }
            }
        }
        let mut out: Vec<u8> = Vec::new();
        loop {
            let last = number(&mut bits, 1);
            assert_eq!(number(&mut bits, 2), 2, "codes of its own");
            let (literals, distances) = (257 + number(&mut bits, 5), 1 + number(&mut bits, 5));
            let written = 4 + number(&mut bits, 4);
            let mut of_lengths = [0; 19];
            ORDER[..written].iter().for_each(|symbol| of_lengths[*symbol] = number(&mut bits, 3) as u8);
            let of_lengths = codes(&of_lengths);
            let mut lengths = Vec::new();
            while lengths.len() < literals + distances {
                match symbol(&mut bits, &of_lengths) {
                    18 => lengths.extend(vec![0; 11 + number(&mut bits, 7)]),
                    17 => lengths.extend(vec![0; 3 + number(&mut bits, 3)]),
                    length => lengths.push(length as u8),
                }
            }
            let (literals, distances) = (codes(&lengths[..literals]), codes(&lengths[literals..]));
            loop {
                match symbol(&mut bits, &literals) {
                    END => break,
                    byte @ 0..END => out.push(byte as u8),
                    code => {
                        let (least, extra) = LENGTHS[code - END - 1];
                        let length = usize::from(least) + number(&mut bits, extra);
                        let (least, extra) = DISTANCES[symbol(&mut bits, &distances)];
                        let distance = usize::from(least) + number(&mut bits, extra);
                        (0..length).for_each(|_| out.push(out[out.len() - distance]));
                    }
                }
            }
            if last == 1 {
                return out;
            }
        }
    }

    #[test]
    fn codes_of_lengths_and_distances_are_those_of_the_format() {
        assert_eq!((LENGTHS[0], LENGTHS[8], LENGTHS[27], LENGTHS[28]), ((3, 0), (11, 1), (227, 5), (258, 0)));
        assert_eq!((DISTANCES[4], DISTANCES[29]), ((5, 1), (24_577, 13)));
        for distance in 1..=WINDOW as u16 {
            let (least, extra) = DISTANCES[distance_code(distance)];
            assert!(distance >= least && u32::from(distance - least) < 1 << extra, "{distance}");
        }
        for length in 3..=LONGEST as u16 {
            let (least, extra) = LENGTHS[usize::from(CODE_OF_LENGTH[usize::from(length) - 3])];
            assert!(length >= least && (length - least == 0 || length - least < 1 << extra), "{length}");
        }
    }

    #[test]
    fn no_code_is_too_long_however_unequal_the_symbols() {
        let mut used = vec![1u32, 1];
        while used.len() < 40 {
            used.push(used[used.len() - 1] + used[used.len() - 2]);
        }
        for most in [7, 15] {
            let lengths = code_lengths(&used, most);
            assert!(lengths.iter().all(|length| (1..=most).contains(length)));
            let room: u32 = lengths.iter().map(|length| 1 << (most - length)).sum();
            assert_eq!(room, 1 << most, "the code is complete");
        }
    }

    #[test]
    fn the_check_sum_is_zlibs() {
        assert_eq!(adler32(b""), 1);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        let long: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
        let plain = long.iter().fold((1u32, 0u32), |(a, b), byte| {
            let a = (a + u32::from(*byte)) % 65_521;
            (a, (a + b) % 65_521)
        });
        assert_eq!(adler32(&long), plain.1 << 16 | plain.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_was_packed_comes_back(
            parts in prop::collection::vec((any::<u8>(), 1..400usize, prop::bool::ANY), 0..60),
            stride in 1..700usize,
        ) {
            let mut data = Vec::new();
            for (byte, count, run) in parts {
                data.extend((0..count).map(|i| if run { byte } else { byte.wrapping_mul(i as u8) ^ (i as u8) }));
            }
            let stream = zlib(&data, stride);
            prop_assert_eq!(unpacked(&stream), data);
        }
    }
}
