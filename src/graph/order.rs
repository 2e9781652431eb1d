//! The order of items in each row: few crossings, nodes in their lanes.
//!
//! Barycentre and median sweeps (Sugiyama, Tagawa and Toda 1981; Eades and Wormald 1994) with adjacent exchange and
//! sifting, from several deterministic starts. Borders of lanes are items too: a node never passes one, a link may,
//! at the small cost that keeps it from wandering between lanes.

use super::layers::Splitmix;
use super::rows::{Kind, Rows};

/// Weight of a segment; the cost of a crossing is the product of two.
const LINK: u64 = 4;
const BORDER: u64 = 1;

/// How many orders are polished after the sweeps.
const POLISHED: usize = 2;

/// The crossings, as weights, that a few sweeps from the first order leave: a quick look at what rows are worth.
pub fn glance(rows: &Rows, lane_of: &[usize]) -> u64 {
    let mut ordering = Ordering::new(rows, lane_of, rows.rows.clone());
    ordering.improve(6, false);
    ordering.cost() / (LINK * LINK)
}

/// Orders of the rows with few crossings, the best first and at most `keep` of them.
pub fn reduce(rows: &Rows, lane_of: &[usize], keep: usize) -> Vec<Vec<Vec<usize>>> {
    let size = rows.items.len().max(1);
    let starts = (3_000 / size).clamp(1, 12);
    let sweeps = (30_000 / size).clamp(6, 24);
    let mut random = Splitmix(size as u64);
    let mut found: Vec<(u64, Vec<Vec<usize>>)> = Vec::new();
    for start in 0..starts {
        let mut ordering = Ordering::new(rows, lane_of, rows.rows.clone());
        if start > 0 {
            ordering.shuffle(&mut random);
        }
        ordering.improve(sweeps, start % 2 == 1);
        found.push((ordering.cost(), ordering.order));
    }
    found.sort();
    found.dedup();
    found.truncate(POLISHED.max(keep));
    for (cost, order) in &mut found {
        let mut ordering = Ordering::new(rows, lane_of, std::mem::take(order));
        ordering.polish();
        (*cost, *order) = (ordering.cost(), ordering.order);
    }
    found.sort();
    found.dedup();
    found.truncate(keep);
    found.into_iter().map(|f| f.1).collect()
}

/// What it costs a link to go from one row to the next.
struct Step {
    /// Sums of weights of segments that begin left of a place above and end left of a place below.
    sums: Vec<u64>,
    /// Places above and below; a row of `sums` is one longer than the places below.
    size: (usize, usize),
    /// Whether the upper or the lower end is an item rather than a gap.
    ends: (bool, bool),
    /// Rough columns of the places above and below.
    columns: (Vec<u64>, Vec<u64>),
}

/// Cost of a crossing in units of sideways steps.
const CROSSING: u64 = 4_000;

impl Step {
    /// The step of `chain` from its item `k - 1` to its item `k`, with the inner items of the chain taken out.
    fn new(ordering: &Ordering, chain: &[usize], k: usize) -> Self {
        let rows = ordering.rows;
        let (upper, lower) = (rows.items[chain[k - 1]].row, rows.items[chain[k]].row);
        let (above, below) = (&ordering.order[upper], &ordering.order[lower]);
        let stride = below.len() + 1;
        let mut sums = vec![0u64; stride * (above.len() + 1)];
        for (i, &item) in above.iter().enumerate() {
            for &other in &rows.items[item].down {
                // The link's own next item is taken out, and its ends have no own segment left between items.
                if below.get(ordering.place[other]) == Some(&other) {
                    sums[(i + 1) * stride + ordering.place[other] + 1] += ordering.weight(item);
                }
            }
        }
        for at in stride..sums.len() {
            if !at.is_multiple_of(stride) {
                sums[at] += sums[at - stride] + sums[at - 1] - sums[at - stride - 1];
            }
        }
        Step {
            sums,
            size: (above.len(), below.len()),
            ends: (k == 1, k + 1 == chain.len()),
            columns: (ordering.columns(above, k == 1), ordering.columns(below, k + 1 == chain.len())),
        }
    }

    fn cost(&self, from: usize, to: usize) -> u64 {
        let (rows, columns) = self.size;
        let at = |above: usize, below: usize| self.sums[above * (columns + 1) + below];
        let (after_from, after_to) = (from + usize::from(self.ends.0), to + usize::from(self.ends.1));
        let left_to_right = at(from, columns) - at(from, after_to);
        let right_to_left = at(rows, to) - at(after_from, to);
        let aside = self.columns.0[from].abs_diff(self.columns.1[to]);
        (left_to_right + right_to_left) * CROSSING + aside
    }
}

struct Ordering<'a> {
    rows: &'a Rows,
    lane_of: &'a [usize],
    order: Vec<Vec<usize>>,
    place: Vec<usize>,
}

impl<'a> Ordering<'a> {
    fn new(rows: &'a Rows, lane_of: &'a [usize], order: Vec<Vec<usize>>) -> Self {
        let mut ordering = Ordering { rows, lane_of, place: vec![0; rows.items.len()], order };
        for row in 0..ordering.order.len() {
            ordering.renumber(row);
        }
        ordering
    }

    fn renumber(&mut self, row: usize) {
        for (i, item) in self.order[row].iter().enumerate() {
            self.place[*item] = i;
        }
    }

    fn weight(&self, item: usize) -> u64 {
        if matches!(self.rows.items[item].kind, Kind::Border(_)) { BORDER } else { LINK }
    }

    /// Whether two neighbours in a row may change places.
    fn may_swap(&self, a: usize, b: usize) -> bool {
        match (self.rows.items[a].kind, self.rows.items[b].kind) {
            (Kind::Node(v), Kind::Node(w)) => self.lane_of[v] == self.lane_of[w],
            (Kind::Border(_), Kind::Node(_) | Kind::Border(_)) | (Kind::Node(_), Kind::Border(_)) => false,
            _ => true,
        }
    }

    /// A random order that keeps nodes in their lanes.
    fn shuffle(&mut self, random: &mut Splitmix) {
        for row in 0..self.order.len() {
            let length = self.order[row].len();
            for _ in 0..3 * length {
                let i = random.below(length.saturating_sub(1));
                if i + 1 < length && self.may_swap(self.order[row][i], self.order[row][i + 1]) {
                    self.order[row].swap(i, i + 1);
                }
            }
            self.renumber(row);
        }
    }

    fn improve(&mut self, sweeps: usize, upwards_first: bool) {
        let mut best = (self.cost(), self.order.clone());
        let mut idle = 0;
        for sweep in 0..sweeps {
            let down = (sweep % 2 == 0) != upwards_first;
            let median = sweep % 4 >= 2;
            let n = self.order.len();
            for i in 1..n {
                let row = if down { i } else { n - 1 - i };
                self.sort(row, down, median);
            }
            self.exchange();
            let cost = self.cost();
            if cost < best.0 {
                best = (cost, self.order.clone());
                idle = 0;
            } else {
                idle += 1;
            }
            if idle == 6 {
                break;
            }
        }
        self.order = best.1;
        for row in 0..self.order.len() {
            self.renumber(row);
        }
    }

    /// Moves single items and then whole links while that pays.
    fn polish(&mut self) {
        if self.rows.items.len() >= 2_500 {
            return;
        }
        for _ in 0..8 {
            let sifted = self.sift();
            let rerouted = self.rows.items.len() < 1_000 && self.reinsert();
            if !sifted && !rerouted {
                break;
            }
        }
    }

    /// Takes each link out and leads it back along the way with the fewest crossings, the straightest of these.
    fn reinsert(&mut self) -> bool {
        let mut better = false;
        for link in 0..self.rows.chains.len() {
            let chain = &self.rows.chains[link];
            if chain.len() < 3 {
                continue;
            }
            let old: Vec<usize> = chain.iter().map(|i| self.place[*i]).collect();
            for &item in &chain[1..chain.len() - 1] {
                let row = self.rows.items[item].row;
                self.order[row].retain(|i| *i != item);
                self.renumber(row);
            }
            let steps: Vec<Step> = (1..chain.len()).map(|k| Step::new(self, chain, k)).collect();
            let (new, now) = self.best_way(chain, &steps);
            // What it cost to pass the rows before the items at the old gaps: crossings, then sideways steps.
            let was: u64 = steps.iter().enumerate().map(|(k, step)| step.cost(old[k], old[k + 1])).sum();
            let gaps = if now < was { &new } else { &old };
            better |= now < was;
            for (k, &item) in chain.iter().enumerate().take(chain.len() - 1).skip(1) {
                let row = self.rows.items[item].row;
                self.order[row].insert(gaps[k], item);
                self.renumber(row);
            }
        }
        better
    }

    /// The cheapest way along the rows of `chain`, whose inner items are taken out; first and last entry are the
    /// places of its ends.
    fn best_way(&self, chain: &[usize], steps: &[Step]) -> (Vec<usize>, u64) {
        let start = self.place[chain[0]];
        let mut costs: Vec<(u64, usize)> = Vec::new();
        let mut from: Vec<Vec<usize>> = Vec::new();
        for k in 1..chain.len() {
            let step = &steps[k - 1];
            let length = self.order[self.rows.items[chain[k]].row].len();
            let targets = if k + 1 == chain.len() {
                let end = self.place[chain[k]];
                end..end + 1
            } else {
                0..length + 1
            };
            let base = targets.start;
            let mut next = Vec::with_capacity(targets.len());
            for to in targets {
                let cheapest = if k == 1 {
                    (step.cost(start, to), start)
                } else {
                    let ways = costs.iter().map(|(cost, at)| (cost + step.cost(*at, to), *at));
                    ways.min().unwrap_or((u64::MAX / 2, 0))
                };
                next.push((cheapest.0, to, cheapest.1));
            }
            from.push(next.iter().map(|n| n.2).collect());
            costs = next.iter().map(|n| (n.0, n.1)).collect();
            debug_assert!(costs[0].1 == base);
        }
        let (total, end) = costs.first().copied().unwrap_or((0, start));
        let mut gaps = vec![end];
        let mut at = 0;
        for choices in from.iter().rev() {
            let previous = choices[at];
            gaps.push(previous);
            at = previous;
        }
        gaps.reverse();
        (gaps, total)
    }

    /// Sorts a row by its neighbours above (or below).
    fn sort(&mut self, row: usize, down: bool, median: bool) {
        let fixed = &self.order[if down { row - 1 } else { row + 1 }];
        let borders: Vec<usize> = fixed
            .iter()
            .filter(|i| matches!(self.rows.items[**i].kind, Kind::Border(_)))
            .map(|i| self.place[*i])
            .collect();
        let scale = fixed.len() as f64 / self.order[row].len().max(1) as f64;
        let mut keyed: Vec<(usize, f64, usize)> = self.order[row]
            .iter()
            .map(|&item| {
                let it = &self.rows.items[item];
                let near = if down { &it.up } else { &it.down };
                let mut at: Vec<usize> = near.iter().map(|i| self.place[*i]).collect();
                at.sort_unstable();
                let key = if at.is_empty() {
                    (self.place[item] as f64 + 0.5) * scale - 0.5
                } else if median {
                    let m = at.len() / 2;
                    if at.len() % 2 == 1 { at[m] as f64 } else { (at[m - 1] + at[m]) as f64 / 2.0 }
                } else {
                    at.iter().sum::<usize>() as f64 / at.len() as f64
                };
                let lane = match it.kind {
                    Kind::Node(v) => 2 * self.lane_of[v],
                    Kind::Border(b) => 2 * b + 1,
                    Kind::Line(_) | Kind::Label(_) => {
                        2 * borders.iter().filter(|b| (**b as f64) < key).count()
                    }
                };
                (lane, key, item)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        self.order[row] = keyed.into_iter().map(|k| k.2).collect();
        self.renumber(row);
    }

    /// Rough columns of the items of a row, or of the gaps before, between and after them: 1000 a lane.
    fn columns(&self, row: &[usize], items: bool) -> Vec<u64> {
        let border = |i: usize| matches!(self.rows.items[row[i]].kind, Kind::Border(_));
        let mut at = Vec::with_capacity(row.len());
        let (mut lane, mut start) = (0u64, 0);
        while start <= row.len() {
            let end = (start..row.len()).find(|i| border(*i)).unwrap_or(row.len());
            let count = (end - start) as u64;
            at.extend((0..count).map(|k| lane * 1000 + 1000 * (k + 1) / (count + 1)));
            lane += 1;
            if end < row.len() {
                at.push(lane * 1000);
            }
            start = end + 1;
        }
        if items {
            return at;
        }
        let mut gaps = Vec::with_capacity(at.len() + 1);
        for i in 0..=at.len() {
            let left = if i == 0 { 0 } else { at[i - 1] };
            let right = at.get(i).copied().unwrap_or(lane * 1000);
            gaps.push((left + right) / 2);
        }
        gaps
    }

    /// Weighted crossings of the segments of `a` and `b` when `a` stands left of `b`.
    fn pair(&self, a: usize, b: usize) -> u64 {
        let count = |x: &[usize], y: &[usize]| -> u64 {
            x.iter().map(|i| y.iter().filter(|j| self.place[**j] < self.place[*i]).count() as u64).sum()
        };
        let (ia, ib) = (&self.rows.items[a], &self.rows.items[b]);
        (count(&ia.up, &ib.up) + count(&ia.down, &ib.down)) * self.weight(a) * self.weight(b)
    }

    /// Swaps neighbours while that pays.
    fn exchange(&mut self) {
        for _ in 0..20 {
            let mut better = false;
            for row in 0..self.order.len() {
                for i in 1..self.order[row].len() {
                    let (a, b) = (self.order[row][i - 1], self.order[row][i]);
                    if self.may_swap(a, b) && self.pair(b, a) < self.pair(a, b) {
                        self.order[row].swap(i - 1, i);
                        (self.place[a], self.place[b]) = (i, i - 1);
                        better = true;
                    }
                }
            }
            if !better {
                break;
            }
        }
    }

    /// Moves each item to the best place it can reach in its row.
    fn sift(&mut self) -> bool {
        let mut better = false;
        for item in 0..self.rows.items.len() {
            let row = self.rows.items[item].row;
            let home = self.place[item];
            let mut best = (0i64, home);
            let mut gain = 0i64;
            for i in home + 1..self.order[row].len() {
                let other = self.order[row][i];
                if !self.may_swap(item, other) {
                    break;
                }
                gain += self.pair(other, item) as i64 - self.pair(item, other) as i64;
                if gain < best.0 {
                    best = (gain, i);
                }
            }
            gain = 0;
            for i in (0..home).rev() {
                let other = self.order[row][i];
                if !self.may_swap(item, other) {
                    break;
                }
                gain += self.pair(item, other) as i64 - self.pair(other, item) as i64;
                if gain < best.0 {
                    best = (gain, i);
                }
            }
            if best.1 != home {
                let moved = self.order[row].remove(home);
                self.order[row].insert(best.1, moved);
                self.renumber(row);
                better = true;
            }
        }
        better
    }

    /// Weighted crossings of all rows.
    fn cost(&self) -> u64 {
        let mut total = 0;
        for (r, row) in self.order.iter().enumerate().skip(1) {
            let above = self.order[r - 1].len();
            // Sums over the places passed so far, as a binary indexed tree.
            let mut tree = vec![0u64; above + 1];
            let mut all = 0;
            for &item in row {
                let weight = self.weight(item);
                for &up in &self.rows.items[item].up {
                    let mut at = self.place[up] + 1;
                    let mut before = 0;
                    while at > 0 {
                        before += tree[at];
                        at &= at - 1;
                    }
                    total += (all - before) * weight;
                }
                for &up in &self.rows.items[item].up {
                    let mut at = self.place[up] + 1;
                    all += weight;
                    while at <= above {
                        tree[at] += weight;
                        at += at & at.wrapping_neg();
                    }
                }
            }
        }
        total
    }
}
