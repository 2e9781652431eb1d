//! Which row each node stands in: forward links lead down, a lane holds only so many nodes a row.
//!
//! List scheduling by critical path (Coffman and Graham, 1972) from both ends gives two starts; local search over
//! single moves and swaps, with deterministic kicks, shortens the links. Widths matter more here than in plain
//! Sugiyama layering, where all sources of one table would stand in a single row wider than the page.

/// Deterministic pseudo-random numbers (SplitMix64, Steele, Lea and Flood 2014) for tie-breaking searches.
#[derive(Clone, Debug)]
pub struct Splitmix(pub u64);

impl Splitmix {
    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        if bound == 0 { 0 } else { (z % bound as u64) as usize }
    }
}

/// The rows of all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layering {
    /// Row of each node; every row below `rows` holds at least one.
    pub row_of: Vec<usize>,
    /// Number of rows.
    pub rows: usize,
}

/// A row more costs as much as this many rows of link length.
const ROW_COST: i64 = 2;
/// Deterministic kicks from each start, for graphs that may fit a page.
const KICKS: usize = 40;
/// So does a crossing that a link passing over a lane will have with the links of that lane.
const PASSING_COST: i64 = 3;

struct Search<'a> {
    lane_of: &'a [usize],
    arcs: &'a [(usize, usize)],
    capacity: &'a [usize],
    /// Arc indices at each node.
    at: Vec<Vec<usize>>,
    row_of: Vec<usize>,
    /// Nodes by row and lane.
    count: Vec<Vec<usize>>,
}

/// Assigns rows, the best found first with what they cost, and at most `keep` of them. `arcs` must be free of cycles and loops; `order`
/// lists the nodes so that arcs lead forward; `capacity` is the number of nodes a row of each lane may hold, at least 1.
pub fn assign(
    lane_of: &[usize],
    arcs: &[(usize, usize)],
    order: &[usize],
    capacity: &[usize],
    keep: usize,
) -> Vec<(i64, Layering)> {
    let n = lane_of.len();
    let forward = schedule(lane_of, arcs, order, capacity);
    let reversed_arcs: Vec<(usize, usize)> = arcs.iter().map(|(a, b)| (*b, *a)).collect();
    let reversed_order: Vec<usize> = order.iter().rev().copied().collect();
    let mut backward = schedule(lane_of, &reversed_arcs, &reversed_order, capacity);
    let last = backward.iter().max().copied().unwrap_or(0);
    for row in &mut backward {
        *row = last - *row;
    }
    let mut found: Vec<(i64, Vec<usize>)> = Vec::new();
    for start in [forward, backward] {
        let mut search = Search::new(lane_of, arcs, capacity, start);
        search.descend();
        let mut current = (search.cost(), search.row_of.clone());
        found.push(current.clone());
        let kicks = if (1..=80).contains(&n) { KICKS } else { 0 };
        let mut random = Splitmix(n as u64);
        for _ in 0..kicks {
            if random.below(2) == 0 {
                search.push(random.below(n));
            } else {
                for _ in 0..3 {
                    let v = random.below(n);
                    let (low, high) = search.range(v);
                    let row = low + random.below(high - low + 1);
                    search.shift(v, row);
                }
            }
            search.descend();
            let now = search.cost();
            if now <= current.0 {
                current = (now, search.row_of.clone());
                found.push(current.clone());
            } else {
                search = Search::new(lane_of, arcs, capacity, current.1.clone());
            }
        }
    }
    let mut layerings: Vec<(i64, Layering)> =
        found.into_iter().map(|(cost, rows)| (cost, compact(&rows))).collect();
    layerings.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.row_of.cmp(&b.1.row_of)));
    layerings.dedup_by(|a, b| a.1 == b.1);
    layerings.truncate(keep);
    layerings
}

/// Greedy rows from the top: of the nodes that may stand in a row, those with the longest way ahead go first.
fn schedule(lane_of: &[usize], arcs: &[(usize, usize)], order: &[usize], capacity: &[usize]) -> Vec<usize> {
    let n = lane_of.len();
    let mut ahead = vec![0usize; n];
    for &v in order.iter().rev() {
        for &(a, b) in arcs.iter().filter(|(a, _)| *a == v) {
            ahead[a] = ahead[a].max(ahead[b] + 1);
        }
    }
    let mut rank: Vec<usize> = (0..n).collect();
    rank.sort_by_key(|v| (std::cmp::Reverse(ahead[*v]), *v));
    let mut row_of = vec![usize::MAX; n];
    let (mut placed, mut row) = (0, 0);
    while placed < n {
        let mut used = vec![0usize; capacity.len()];
        for &v in &rank {
            let free = row_of[v] == usize::MAX
                && used[lane_of[v]] < capacity[lane_of[v]].max(1)
                && arcs.iter().all(|(a, b)| *b != v || row_of[*a] < row);
            if free {
                row_of[v] = row;
                used[lane_of[v]] += 1;
                placed += 1;
            }
        }
        row += 1;
    }
    row_of
}

impl<'a> Search<'a> {
    fn new(
        lane_of: &'a [usize],
        arcs: &'a [(usize, usize)],
        capacity: &'a [usize],
        row_of: Vec<usize>,
    ) -> Self {
        let mut at = vec![Vec::new(); lane_of.len()];
        for (i, (a, b)) in arcs.iter().enumerate() {
            at[*a].push(i);
            at[*b].push(i);
        }
        let rows = row_of.iter().max().map_or(0, |r| r + 1);
        let mut count = vec![vec![0; capacity.len()]; rows];
        for (v, row) in row_of.iter().enumerate() {
            count[*row][lane_of[v]] += 1;
        }
        Search { lane_of, arcs, capacity, at, row_of, count }
    }

    fn cost(&self) -> i64 {
        let length: i64 =
            self.arcs.iter().map(|(a, b)| self.row_of[*b] as i64 - self.row_of[*a] as i64).sum();
        let used = self.count.iter().filter(|row| row.iter().any(|c| *c > 0)).count();
        length + ROW_COST * used as i64 + PASSING_COST * self.passing()
    }

    /// How many links inside a lane are crossed by links that pass over it, each on the row where it meets fewest.
    fn passing(&self) -> i64 {
        let rows = self.count.len();
        let mut inside = vec![vec![0i64; rows + 1]; self.capacity.len()];
        for (a, b) in self.arcs.iter().filter(|(a, b)| self.lane_of[*a] == self.lane_of[*b]) {
            for links in &mut inside[self.lane_of[*a]][self.row_of[*a]..self.row_of[*b]] {
                *links += 1;
            }
        }
        let mut total = 0;
        for (a, b) in self.arcs {
            let (from, to) = (self.lane_of[*a].min(self.lane_of[*b]), self.lane_of[*a].max(self.lane_of[*b]));
            if to > from + 1 {
                let over = |row: usize| inside[from + 1..to].iter().map(|lane| lane[row]).sum::<i64>();
                total += (self.row_of[*a]..self.row_of[*b]).map(over).min().unwrap_or(0);
            }
        }
        total
    }

    /// Moves `v` a row down, and out of its way what stands there.
    fn push(&mut self, v: usize) {
        let row = self.row_of[v] + 1;
        if row == self.count.len() {
            self.count.push(vec![0; self.capacity.len()]);
        }
        let lane = self.lane_of[v];
        self.put(v, row);
        if self.count[row][lane] > self.capacity[lane].max(1) {
            let other = (0..self.lane_of.len())
                .find(|u| *u != v && self.row_of[*u] == row && self.lane_of[*u] == lane);
            if let Some(other) = other {
                self.push(other);
            }
        }
        for k in 0..self.at[v].len() {
            let (a, b) = self.arcs[self.at[v][k]];
            if a == v && self.row_of[b] <= row {
                self.push(b);
            }
        }
    }

    /// Rows that the neighbours leave to `v`.
    fn range(&self, v: usize) -> (usize, usize) {
        let (mut low, mut high) = (0, self.count.len().saturating_sub(1));
        for &i in &self.at[v] {
            let (a, b) = self.arcs[i];
            if b == v {
                low = low.max(self.row_of[a] + 1);
            } else {
                high = high.min(self.row_of[b].saturating_sub(1));
            }
        }
        (low, high.max(low))
    }

    fn put(&mut self, v: usize, row: usize) {
        let lane = self.lane_of[v];
        self.count[self.row_of[v]][lane] -= 1;
        self.count[row][lane] += 1;
        self.row_of[v] = row;
    }

    /// Moves `v` when the row has room.
    fn shift(&mut self, v: usize, row: usize) -> bool {
        let lane = self.lane_of[v];
        let room = row != self.row_of[v] && self.count[row][lane] < self.capacity[lane].max(1);
        if room {
            self.put(v, row);
        }
        room
    }

    /// Moves and swaps while they pay.
    fn descend(&mut self) {
        let n = self.lane_of.len();
        for _ in 0..50 {
            let mut better = false;
            for v in 0..n {
                let (low, high) = self.range(v);
                let (home, start) = (self.row_of[v], self.cost_at(v));
                let mut best = (start, home);
                for row in low..=high {
                    if self.shift(v, row) {
                        let cost = self.cost_at(v);
                        if cost < best.0 {
                            best = (cost, row);
                        }
                        self.put(v, home);
                    }
                }
                if best.1 != home {
                    self.put(v, best.1);
                    better = true;
                }
            }
            for v in 0..n {
                for w in v + 1..n {
                    better |= self.lane_of[v] == self.lane_of[w] && self.swap(v, w);
                }
            }
            if !better {
                break;
            }
        }
    }

    /// The part of the cost that depends on `v`.
    fn cost_at(&self, v: usize) -> i64 {
        let length: i64 = self.at[v]
            .iter()
            .map(|i| self.row_of[self.arcs[*i].1] as i64 - self.row_of[self.arcs[*i].0] as i64)
            .sum();
        let alone = self.count[self.row_of[v]].iter().sum::<usize>() == 1;
        length + if alone { ROW_COST } else { 0 }
    }

    fn swap(&mut self, v: usize, w: usize) -> bool {
        let (a, b) = (self.row_of[v], self.row_of[w]);
        if a == b {
            return false;
        }
        let before = self.cost_at(v) + self.cost_at(w);
        self.put(v, b);
        self.put(w, a);
        let (rv, rw) = (self.range(v), self.range(w));
        let fits = rv.0 <= b && b <= rv.1 && rw.0 <= a && a <= rw.1;
        if fits && self.cost_at(v) + self.cost_at(w) < before {
            return true;
        }
        self.put(v, a);
        self.put(w, b);
        false
    }
}

/// Leaves out empty rows.
fn compact(row_of: &[usize]) -> Layering {
    let mut used: Vec<usize> = row_of.to_vec();
    used.sort_unstable();
    used.dedup();
    let row_of = row_of.iter().map(|r| used.binary_search(r).unwrap_or(0)).collect();
    Layering { row_of, rows: used.len() }
}
