//! The best subset of the levels of a categorical feature.
//!
//! Ordered by mean gradient, the best of all subsets is one end of the order (Fisher 1958, "On Grouping for Maximum
//! Homogeneity"). With many levels the best of the rows at hand is not the best of others, so that there subsets are
//! small, leave rare levels alone and pay more `l2`.

use super::cell::{Cell, Sums, Units};
use super::split::{Found, Rule, Rules};
use super::tree::BinSet;

/// Levels of a feature that are few, beside NULL and those not known: what follows is for more of them.
const FEW: usize = 4;
/// Second derivatives of no gradient that each level is given before it is ordered: rare ones stay in the middle.
const SMOOTHING: f64 = 10.0;
/// Weight below which a level is not chosen. 10 costs 1 % of the loss where there are hundreds of levels, as does 100.
const RARE: f64 = 30.0;
/// Levels of a subset at most.
const MOST: usize = 32;
/// Added to `l2`.
const MORE_L2: f64 = 10.0;

/// A level that a leaf has.
#[derive(Clone, Copy)]
struct Level {
    mean: f64,
    bin: u8,
    sums: Sums,
}

/// The best split of levels, NULL being one; its gain counts from nothing. Levels that the leaf does not have go with
/// the heavier side.
pub(super) fn best_subset<C: Cell>(cells: &[C], sums: &Sums, rules: &Rules, units: &Units) -> Option<Found> {
    let present = (0..=u8::MAX).zip(cells).map(|(bin, cell)| {
        let sums = cell.sums(units);
        Level { mean: sums.gradient / (sums.hessian + SMOOTHING), bin, sums }
    });
    let mut levels: Vec<Level> = present.filter(|level| level.sums.weight > 0.0).collect();
    let are_few = cells.len() <= FEW + 2;
    let rules = if are_few { *rules } else { Rules { l2: rules.l2 + MORE_L2, ..*rules } };
    let rare = if are_few { 0.0 } else { RARE };
    let mut others = BinSet::default();
    levels.iter().for_each(|level| others.insert(level.bin));
    levels.retain(|level| level.sums.weight >= rare);
    levels.sort_unstable_by(|a, b| a.mean.total_cmp(&b.mean).then(a.bin.cmp(&b.bin)));
    let most = if are_few { levels.len() } else { MOST.min(levels.len().div_ceil(2)) };
    let low = best_end(levels.iter().take(most), sums, &rules);
    let high = best_end(levels.iter().rev().take(most), sums, &rules);
    let is_high = high.is_some_and(|high| low.is_none_or(|low| high.gain > low.gain));
    let best = if is_high { high? } else { low? };
    let [inside, outside] = [best.inside, sums.minus(&best.inside)];
    let mut set = BinSet::default();
    let mut choose = |level: &Level| {
        set.insert(level.bin);
        others.remove(level.bin);
    };
    if is_high {
        levels.iter().rev().take(best.levels).for_each(&mut choose);
    } else {
        levels.iter().take(best.levels).for_each(&mut choose);
    }
    if inside.weight > outside.weight {
        set = BinSet(others.0.map(|bits| !bits));
    }
    Some(Found {
        gain: best.gain,
        feature: 0,
        rule: Rule::In(set),
        values: [rules.value(&inside), rules.value(&outside)],
        sums: [inside, outside],
        monotone: 0,
    })
}

/// The best number of levels from one end.
#[derive(Clone, Copy)]
struct End {
    gain: f64,
    levels: usize,
    inside: Sums,
}

fn best_end<'a>(levels: impl Iterator<Item = &'a Level>, sums: &Sums, rules: &Rules) -> Option<End> {
    let (mut inside, mut best) = (Sums::default(), None::<End>);
    for (count, level) in (1..).zip(levels) {
        inside.gradient += level.sums.gradient;
        inside.hessian += level.sums.hessian;
        inside.weight += level.sums.weight;
        let outside = sums.minus(&inside);
        if !rules.allow(&inside) {
            continue;
        }
        if !rules.allow(&outside) {
            break;
        }
        let [a, b] = [rules.value(&inside), rules.value(&outside)];
        let gain = rules.score(&inside, a) + rules.score(&outside, b);
        if best.is_none_or(|best| gain > best.gain) {
            best = Some(End { gain, levels: count, inside });
        }
    }
    best
}
