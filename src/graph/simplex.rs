//! Coordinates on one axis by network simplex: minimal weighted length under difference constraints.
//!
//! Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs" (1993), sections 2.3 and 4.2. Lengths
//! are whole numbers, so that the result is exact and the same everywhere. A cut value is the sum of (outgoing −
//! incoming) weight over the subtree that a tree arc cuts off, which makes a pivot a walk along two tree paths.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// An index of a variable.
pub type Variable = usize;

#[derive(Clone, Copy, Debug)]
struct Arc {
    from: usize,
    to: usize,
    length: i64,
    weight: i64,
}

/// Variables, constraints `x[to] − x[from] ≥ length` and costs.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    arcs: Vec<Arc>,
    /// True for the helper variables of [`Problem::attract`].
    helper: Vec<bool>,
}

impl Problem {
    /// A new variable.
    pub fn variable(&mut self) -> Variable {
        self.helper.push(false);
        self.helper.len() - 1
    }

    /// How many variables there are, helpers included.
    pub fn variables(&self) -> usize {
        self.helper.len()
    }

    /// `x[b] − x[a] ≥ length`; a negative length bounds the distance from above in the other direction.
    pub fn at_least(&mut self, a: Variable, b: Variable, length: i64) {
        self.arcs.push(Arc { from: a, to: b, length, weight: 0 });
    }

    /// `x[b] − x[a] = length`.
    pub fn fix(&mut self, a: Variable, b: Variable, length: i64) {
        self.at_least(a, b, length);
        self.at_least(b, a, -length);
    }

    /// `x[b] − x[a] ≥ length` with the cost `weight · (x[b] − x[a])`.
    pub fn pull(&mut self, a: Variable, b: Variable, length: i64, weight: i64) {
        self.arcs.push(Arc { from: a, to: b, length, weight });
    }

    /// The cost `weight · |x[b] − x[a] − offset|`.
    pub fn attract(&mut self, a: Variable, b: Variable, offset: i64, weight: i64) {
        if a == b || weight <= 0 {
            return;
        }
        let helper = self.helper.len();
        self.helper.push(true);
        self.arcs.push(Arc { from: helper, to: a, length: -offset, weight });
        self.arcs.push(Arc { from: helper, to: b, length: 0, weight });
    }

    /// Values of the variables, the smallest 0, or `None` when the constraints contradict each other. Stops after
    /// `pivots` improvements with what is then a valid though perhaps not a cheapest solution. The search begins near
    /// `start`, the values of a similar problem: the nearer, the shorter it is.
    pub fn solve(&self, pivots: usize, start: &[i64]) -> Option<Vec<i64>> {
        let n = self.helper.len();
        if n == 0 {
            return Some(Vec::new());
        }
        let mut tree = Tree::new(self, self.feasible(start)?);
        for _ in 0..pivots {
            if !tree.pivot() {
                break;
            }
        }
        let least = tree.x.iter().zip(&self.helper).filter(|(_, h)| !**h).map(|(x, _)| *x).min().unwrap_or(0);
        Some(tree.x.iter().map(|x| x - least).collect())
    }

    /// Smallest values not below `start` that meet all constraints, by label correcting. Constraints speak of
    /// differences only, so when there are any values there are such values.
    fn feasible(&self, start: &[i64]) -> Option<Vec<i64>> {
        let n = self.helper.len();
        let out = Index::new(n, self.arcs.iter().map(|a| a.from));
        let mut x: Vec<i64> = (0..n).map(|v| start.get(v).copied().unwrap_or(0)).collect();
        let mut rounds = vec![0usize; n];
        let mut waiting = vec![true; n];
        let mut queue: VecDeque<usize> = (0..n).filter(|v| !self.helper[*v]).collect();
        let bound = queue.len() + 1;
        while let Some(v) = queue.pop_front() {
            waiting[v] = false;
            rounds[v] += 1;
            if rounds[v] > bound {
                return None;
            }
            for &i in out.of(v) {
                let arc = self.arcs[i];
                if x[arc.to] < x[v] + arc.length {
                    x[arc.to] = x[v] + arc.length;
                    if !waiting[arc.to] {
                        waiting[arc.to] = true;
                        queue.push_back(arc.to);
                    }
                }
            }
        }
        for v in (0..n).filter(|v| self.helper[*v]) {
            x[v] = out.of(v).iter().map(|i| x[self.arcs[*i].to] - self.arcs[*i].length).min().unwrap_or(0);
        }
        Some(x)
    }

    /// Makes the pairs equal, in their order, each where what was made equal before still allows it. `x` must meet the
    /// constraints, and meets all of them afterwards.
    pub fn tie(&mut self, pairs: impl IntoIterator<Item = (Variable, Variable)>, x: &mut [i64]) {
        let mut out: Vec<Vec<(usize, i64)>> = vec![Vec::new(); self.helper.len()];
        for arc in self.arcs.iter().filter(|a| !self.helper[a.from]) {
            out[arc.from].push((arc.to, arc.length));
        }
        for (a, b) in pairs {
            let before = x.to_vec();
            if raise(&out, x, a, b) && raise(&out, x, b, a) {
                out[a].push((b, 0));
                out[b].push((a, 0));
                self.fix(a, b, 0);
            } else {
                x.copy_from_slice(&before);
            }
        }
    }
}

/// Raises `b` to `a` and whatever then has to rise with it; false when `a` itself would have to.
fn raise(out: &[Vec<(usize, i64)>], x: &mut [i64], a: usize, b: usize) -> bool {
    if x[b] >= x[a] {
        return true;
    }
    x[b] = x[a];
    let mut risen = VecDeque::from([b]);
    while let Some(v) = risen.pop_front() {
        for &(to, length) in &out[v] {
            if x[to] < x[v] + length {
                if to == a {
                    return false;
                }
                x[to] = x[v] + length;
                risen.push_back(to);
            }
        }
    }
    true
}

/// Arcs by one of their ends, in one piece of memory.
struct Index {
    begin: Vec<usize>,
    arcs: Vec<usize>,
}

impl Index {
    /// Arcs by the variable that `ends` names for each, in order; an arc may be named for several by a longer list.
    fn new(n: usize, ends: impl Iterator<Item = usize> + Clone) -> Self {
        Index::of_pairs(n, ends.enumerate())
    }

    fn of_pairs(n: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut begin = vec![0; n + 1];
        for (_, v) in pairs.clone() {
            begin[v + 1] += 1;
        }
        for v in 0..n {
            begin[v + 1] += begin[v];
        }
        let mut next = begin.clone();
        let mut arcs = vec![0; begin[n]];
        for (arc, v) in pairs {
            arcs[next[v]] = arc;
            next[v] += 1;
        }
        Index { begin, arcs }
    }

    fn of(&self, v: usize) -> &[usize] {
        &self.arcs[self.begin[v]..self.begin[v + 1]]
    }
}

/// A spanning tree of tight arcs, rooted at variable 0.
struct Tree<'a> {
    arcs: &'a [Arc],
    x: Vec<i64>,
    /// Arcs at each variable.
    at: Index,
    parent: Vec<usize>,
    /// Tree arc to the parent.
    up: Vec<usize>,
    children: Vec<Vec<usize>>,
    /// Sum of (outgoing − incoming) weight over the subtree.
    sum: Vec<i64>,
    /// Number of variables in the subtree.
    size: Vec<usize>,
    /// Where the search for a leaving arc goes on.
    next: usize,
    mark: Vec<bool>,
    /// The subtree that an exchange moves, kept for its memory.
    part: Vec<usize>,
}

const NONE: usize = usize::MAX;

/// The arcs between a growing tree and the rest, by what is left of their slack.
#[derive(Default)]
struct Frontier {
    reached: Vec<bool>,
    /// How far the tree has moved since it began.
    shift: i64,
    /// Arcs from the tree: slack + shift.
    leaving: BinaryHeap<Reverse<(i64, usize)>>,
    /// Arcs to the tree: slack − shift.
    entering: BinaryHeap<Reverse<(i64, usize)>>,
}

impl Frontier {
    /// The arc of least slack that leads out of the tree, with that slack.
    fn nearest(&mut self, arcs: &[Arc]) -> Option<(i64, usize)> {
        let inside = |i: usize| self.reached[arcs[i].from] && self.reached[arcs[i].to];
        while self.leaving.peek().is_some_and(|Reverse((_, i))| inside(*i)) {
            self.leaving.pop();
        }
        while self.entering.peek().is_some_and(|Reverse((_, i))| inside(*i)) {
            self.entering.pop();
        }
        let out = self.leaving.peek().map(|Reverse((key, i))| (key - self.shift, *i));
        let into = self.entering.peek().map(|Reverse((key, i))| (key + self.shift, *i));
        out.into_iter().chain(into).min()
    }
}

impl<'a> Tree<'a> {
    fn new(problem: &'a Problem, x: Vec<i64>) -> Self {
        let n = x.len();
        let arcs = &problem.arcs;
        let at = Index::of_pairs(n, arcs.iter().enumerate().flat_map(|(i, a)| [(i, a.from), (i, a.to)]));
        let mut sum = vec![0; n];
        for arc in arcs {
            sum[arc.from] += arc.weight;
            sum[arc.to] -= arc.weight;
        }
        let mut tree = Tree {
            arcs,
            x,
            at,
            parent: vec![NONE; n],
            up: vec![NONE; n],
            children: vec![Vec::new(); n],
            sum,
            size: vec![1; n],
            next: 0,
            mark: vec![false; n],
            part: Vec::new(),
        };
        let order = tree.grow();
        for v in order.into_iter().rev() {
            if tree.parent[v] != NONE {
                tree.sum[tree.parent[v]] += tree.sum[v];
                tree.size[tree.parent[v]] += tree.size[v];
            }
        }
        tree
    }

    fn slack(&self, arc: usize) -> i64 {
        let a = self.arcs[arc];
        self.x[a.to] - self.x[a.from] - a.length
    }

    /// Spans all variables with tight arcs. Where none leads on, what is spanned moves as far as the least slack of
    /// an arc that leads out of it. Returns the variables in the order in which they were reached.
    fn grow(&mut self) -> Vec<usize> {
        let n = self.x.len();
        let mut frontier = Frontier { reached: vec![false; n], ..Frontier::default() };
        let mut order = Vec::with_capacity(n);
        for root in 0..n {
            // What nothing leads to is apart, and has a root of its own.
            if frontier.reached[root] {
                continue;
            }
            self.reach(root, &mut frontier, &mut order);
            while let Some((slack, i)) = frontier.nearest(self.arcs) {
                let a = self.arcs[i];
                let (inner, outer) = if frontier.reached[a.from] { (a.from, a.to) } else { (a.to, a.from) };
                frontier.shift += if inner == a.from { slack } else { -slack };
                self.parent[outer] = inner;
                self.up[outer] = i;
                self.children[inner].push(outer);
                self.reach(outer, &mut frontier, &mut order);
            }
        }
        for x in &mut self.x {
            *x += frontier.shift;
        }
        order
    }

    /// Takes `v` into the tree: from now on its value counts from the shift of the tree.
    fn reach(&mut self, v: usize, frontier: &mut Frontier, order: &mut Vec<usize>) {
        frontier.reached[v] = true;
        order.push(v);
        self.x[v] -= frontier.shift;
        for &i in self.at.of(v) {
            let a = self.arcs[i];
            if a.from == v && !frontier.reached[a.to] {
                frontier.leaving.push(Reverse((self.x[a.to] - self.x[v] - a.length, i)));
            } else if a.to == v && !frontier.reached[a.from] {
                frontier.entering.push(Reverse((self.x[v] - self.x[a.from] - a.length, i)));
            }
        }
    }

    /// One improvement; false when there is none.
    fn pivot(&mut self) -> bool {
        const BATCH: usize = 30;
        let n = self.x.len();
        let (mut worst, mut leaving, mut found) = (0, NONE, 0);
        for step in 0..n {
            let v = (self.next + step) % n;
            if self.parent[v] == NONE {
                continue;
            }
            let tail = self.arcs[self.up[v]].from == v;
            let cut = if tail { self.sum[v] } else { -self.sum[v] };
            if cut < 0 {
                if cut < worst {
                    (worst, leaving) = (cut, v);
                }
                found += 1;
                if found == BATCH {
                    self.next = (v + 1) % n;
                    break;
                }
            }
        }
        leaving != NONE && self.exchange(leaving)
    }

    /// Replaces the arc above `v` by the shortest one that holds the two parts together the other way. The smaller of
    /// the two parts is looked through and moved.
    fn exchange(&mut self, v: usize) -> bool {
        let tail = self.arcs[self.up[v]].from == v;
        let below = 2 * self.size[v] <= self.x.len();
        let mut part = std::mem::take(&mut self.part);
        part.clear();
        part.push(if below { v } else { self.parent[v] });
        self.mark[part[0]] = true;
        let mut i = 0;
        while i < part.len() {
            let u = part[i];
            let above = if below { NONE } else { self.parent[u] };
            for &next in self.children[u].iter().chain(std::iter::once(&above)) {
                if next != NONE && next != v && !self.mark[next] {
                    self.mark[next] = true;
                    part.push(next);
                }
            }
            i += 1;
        }
        // The arc must enter the subtree of `v` when the old one left it, and the other way round.
        let into_part = tail == below;
        let mut entering: Option<(i64, usize)> = None;
        for &u in &part {
            for &arc in self.at.of(u) {
                let a = self.arcs[arc];
                let fits =
                    if into_part { a.to == u && !self.mark[a.from] } else { a.from == u && !self.mark[a.to] };
                if fits {
                    let slack = self.slack(arc);
                    if entering.is_none_or(|e| (slack, arc) < e) {
                        entering = Some((slack, arc));
                    }
                }
            }
        }
        for &u in &part {
            self.mark[u] = false;
        }
        if let Some((slack, arc)) = entering {
            let shift = if into_part { -slack } else { slack };
            for &u in &part {
                self.x[u] += shift;
            }
            let a = self.arcs[arc];
            let (inner, outer) = if tail { (a.to, a.from) } else { (a.from, a.to) };
            self.hang(v, inner, outer, arc);
        }
        self.part = part;
        entering.is_some()
    }

    /// Takes the subtree of `v` off its parent, roots it at `inner` and hangs it under `outer` by `arc`.
    fn hang(&mut self, v: usize, inner: usize, outer: usize, arc: usize) {
        let (total, count) = (self.sum[v], self.size[v]);
        let old = self.parent[v];
        self.children[old].retain(|c| *c != v);
        let mut at = old;
        while at != NONE {
            self.sum[at] -= total;
            self.size[at] -= count;
            at = self.parent[at];
        }
        // Turn the path from `inner` up to `v` round.
        let (mut node, mut above, mut link, mut cut) = (inner, outer, arc, (0, 0));
        loop {
            let (next, next_link, own) =
                (self.parent[node], self.up[node], (self.sum[node], self.size[node]));
            self.parent[node] = above;
            self.up[node] = link;
            self.children[above].push(node);
            self.sum[node] = total - cut.0;
            self.size[node] = count - cut.1;
            cut = own;
            if node == v {
                break;
            }
            self.children[next].retain(|c| *c != node);
            (above, node, link) = (node, next, next_link);
        }
        let mut at = outer;
        while at != NONE {
            self.sum[at] += total;
            self.size[at] += count;
            at = self.parent[at];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_cheapest_places() {
        // Two ends pull a middle point; the heavier one wins, the distance constraint holds.
        let mut p = Problem::default();
        let (a, m, b) = (p.variable(), p.variable(), p.variable());
        p.fix(a, b, 100);
        p.at_least(a, m, 10);
        p.at_least(m, b, 10);
        p.attract(a, m, 0, 1);
        p.attract(m, b, 0, 3);
        assert_eq!(p.solve(100, &[]).map(|x| x[..3].to_vec()), Some(vec![0, 90, 100]));
    }

    #[test]
    fn the_median_minimises_the_sum_of_distances() {
        let mut p = Problem::default();
        let root = p.variable();
        let fixed: Vec<usize> = [0, 7, 19, 30, 64]
            .iter()
            .map(|at| {
                let v = p.variable();
                p.fix(root, v, *at);
                v
            })
            .collect();
        let m = p.variable();
        p.at_least(root, m, 0);
        for f in fixed {
            p.attract(f, m, 0, 1);
        }
        assert_eq!(p.solve(100, &[]).map(|x| x[m]), Some(19));
    }

    #[test]
    fn a_start_elsewhere_leads_to_the_same_cost() {
        let mut p = Problem::default();
        let v: Vec<usize> = (0..6).map(|_| p.variable()).collect();
        for pair in v.windows(2) {
            p.at_least(pair[0], pair[1], 10);
        }
        p.attract(v[0], v[5], 20, 3);
        p.attract(v[2], v[3], 40, 1);
        let cost = |x: Vec<i64>| 3 * (x[5] - x[0] - 20).abs() + (x[3] - x[2] - 40).abs();
        let (cold, warm) = (p.solve(100, &[]).map(cost), p.solve(100, &[7, 300, 20, 9, 800, 1]).map(cost));
        assert_eq!((cold, warm), (Some(120), Some(120)));
    }

    #[test]
    fn ties_hold_where_the_constraints_allow_them() {
        let mut p = Problem::default();
        let (a, b, c) = (p.variable(), p.variable(), p.variable());
        p.at_least(a, b, -5);
        p.at_least(b, c, 3);
        let mut x = vec![0, 2, 9];
        p.tie([(a, b), (b, c), (a, c)], &mut x);
        assert_eq!(p.solve(100, &[]).map(|x| (x[b] - x[a], x[c] - x[b] >= 3)), Some((0, true)));
        assert!(x[0] == x[1] && x[2] - x[1] >= 3);
    }

    #[test]
    fn contradictions_have_no_solution() {
        let mut p = Problem::default();
        let (a, b) = (p.variable(), p.variable());
        p.at_least(a, b, 5);
        p.at_least(b, a, -4);
        assert_eq!(p.solve(100, &[]), None);
    }
}
