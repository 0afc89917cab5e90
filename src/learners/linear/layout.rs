//! Where features are found in rows that are summed, and what columns a design makes of them.
//!
//! A numeric feature is a number, 0 where it is NULL, and a flag that says where. A category is a flag for each level. Flags
//! are called in the order in which they are met, which differs from part to part of the rows; a layout, made when all rows
//! have come, puts them into the order of a design.

use super::centred::Source;
use super::encoding::{Coding, Encoding, Place};
use super::model::LinearModel;
use super::products::Products;
use super::totals::{Fill, Totals, Vector};
use crate::learners::features::NULL;
use crate::math::Double;

/// The flags that were met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// By feature.
    features: Vec<FeatureFlags>,
    count: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FeatureFlags {
    /// By the code of a level, [`NULL`] for those not met.
    of_level: Vec<u32>,
    of_null: Option<u32>,
}

impl Flags {
    pub(crate) fn new(features: usize) -> Self {
        Self { features: vec![FeatureFlags::default(); features], count: 0 }
    }

    pub(crate) fn count(&self) -> usize {
        self.count as usize
    }

    /// The feature with the most flags, and how many it has.
    pub(crate) fn most(&self) -> (usize, usize) {
        let met = |of: &FeatureFlags| of.of_level.iter().filter(|flag| **flag != NULL).count();
        let counts = self.features.iter().map(met).enumerate();
        counts.max_by_key(|(feature, count)| (*count, usize::MAX - feature)).unwrap_or_default()
    }

    /// The flag of a code of a feature.
    pub(crate) fn of(&mut self, feature: usize, code: u32) -> u32 {
        let Self { features, count } = self;
        let FeatureFlags { of_level, of_null } = &mut features[feature];
        let mut next = || {
            *count += 1;
            *count - 1
        };
        if code == NULL {
            return *of_null.get_or_insert_with(next);
        }
        let code = code as usize;
        if of_level.len() <= code {
            of_level.resize(code + 1, NULL);
        }
        if of_level[code] == NULL {
            of_level[code] = next();
        }
        of_level[code]
    }

    fn met(&self, feature: usize, code: u32) -> Option<u32> {
        let FeatureFlags { of_level, of_null } = &self.features[feature];
        if code == NULL {
            *of_null
        } else {
            of_level.get(code as usize).copied().filter(|flag| *flag != NULL)
        }
    }

    /// Takes up the flags of other rows; returns what each of them is called here. `codes` has this side's code of each of
    /// the other's, by feature; a feature without any has the same codes on both sides.
    pub(crate) fn merge(&mut self, other: &Self, codes: &[Vec<u32>]) -> Vec<u32> {
        let mut names = vec![0; other.count()];
        for (feature, (of, codes)) in other.features.iter().zip(codes).enumerate() {
            for (code, &flag) in (0..).zip(&of.of_level).filter(|(_, flag)| **flag != NULL) {
                let code = codes.get(code as usize).copied().unwrap_or(code);
                names[flag as usize] = self.of(feature, code);
            }
            if let Some(flag) = of.of_null {
                names[flag as usize] = self.of(feature, NULL);
            }
        }
        names
    }

    /// The flags of each feature: that of each code, [`NULL`] where there is none, and that of NULL.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&[u32], Option<u32>)> {
        self.features.iter().map(|of| (of.of_level.as_slice(), of.of_null))
    }

    /// The flags of which [`Self::parts`] are given; `None` when they do not count from zero, each once.
    pub(crate) fn from_parts(parts: Vec<(Vec<u32>, Option<u32>)>) -> Option<Self> {
        let features: Vec<_> =
            parts.into_iter().map(|(of_level, of_null)| FeatureFlags { of_level, of_null }).collect();
        let all = features.iter().flat_map(|of| of.of_level.iter().copied().chain(of.of_null));
        let mut all: Vec<u32> = all.filter(|flag| *flag != NULL).collect();
        all.sort_unstable();
        let is_whole = (0..).zip(&all).all(|(at, flag)| at == *flag);
        is_whole.then_some(Self { features, count: all.len() as u32 })
    }

    /// Bytes that are held.
    pub(crate) fn size(&self) -> usize {
        let of = |of: &FeatureFlags| size_of::<FeatureFlags>() + of.of_level.capacity() * size_of::<u32>();
        self.features.iter().map(of).sum()
    }
}

/// The columns of a design in rows that were summed.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) columns: Vec<Source>,
    /// Numbers of a row.
    count: usize,
    /// Where each flag stands in the order of the columns.
    places: Vec<Option<u32>>,
    placed: usize,
    fills: Vec<Fill>,
}

impl Layout {
    /// The encoding of features as [`Encoding::fit`] makes it of the rows themselves, and its layout. `levels` has the codes of
    /// each feature in the order of its levels; `all` are the products of all rows, of which each has `count` numbers: 1, the
    /// numeric features in their order, then others.
    pub(crate) fn new(
        is_numeric: &[bool],
        levels: &[Vec<u32>],
        flags: &Flags,
        all: &Products,
        count: usize,
    ) -> (Encoding, Self) {
        let every: Vec<Option<u32>> = (0..flags.count).map(Some).collect();
        let all = Totals::new(all, count, &every, flags.count());
        let weight = |flag: Option<u32>| flag.map_or(Double::ZERO, |flag| all.of_flag(flag as usize, 0));
        let mut layout =
            Self { columns: vec![], count, places: vec![None; flags.count()], placed: 0, fills: vec![] };
        let mut codings = vec![];
        let mut number = 0;
        for (feature, (&is_numeric, levels)) in is_numeric.iter().zip(levels).enumerate() {
            codings.push(match is_numeric {
                true => {
                    number += 1;
                    let null = flags.met(feature, NULL);
                    let nulls = weight(null);
                    let seen = all.weight() - nulls;
                    let is_seen = seen.value() > 0.0;
                    let fill = if is_seen { (all.of_numbers(number, 0) / seen).value() } else { 0.0 };
                    let has_null = is_seen && nulls.value() > 0.0;
                    layout.columns.push(Source::Number(number));
                    if let (Some(null), true) = (null, has_null) {
                        let flag = layout.place(null);
                        layout.fills.push(Fill { number, flag, value: fill });
                    }
                    Coding::Numeric { fill, has_null }
                }
                false => {
                    let mut shares = vec![];
                    let mut is_first = true;
                    let mut place = |code: &u32| {
                        let flag = flags.met(feature, *code);
                        let share = weight(flag) / all.weight();
                        let Some(flag) = flag.filter(|_| share.value() > 0.0) else { return Place::Unseen };
                        if std::mem::take(&mut is_first) {
                            return Place::Reference;
                        }
                        layout.place(flag);
                        shares.push(share.value());
                        Place::Column(shares.len() as u32 - 1)
                    };
                    let places = levels.iter().chain([&NULL]).map(&mut place).collect();
                    Coding::Categorical { places, shares }
                }
            });
        }
        (Encoding { codings }, layout)
    }

    fn place(&mut self, flag: u32) -> usize {
        let place = self.placed;
        self.placed += 1;
        self.places[flag as usize] = Some(place as u32);
        self.columns.push(Source::Flag(place));
        place
    }

    /// Sums in terms of the columns.
    pub(crate) fn totals(&self, products: &Products) -> Totals {
        let mut totals = Totals::new(products, self.count, &self.places, self.placed);
        totals.fill(&self.fills);
        totals
    }

    /// A number of the rows as coefficients of what they have.
    pub(crate) fn unit(&self, number: usize) -> Vector {
        let mut vector = Vector::zeros(self.count, self.placed);
        vector.numbers[number] = 1.0.into();
        vector
    }

    /// A fitted function as coefficients of what rows have.
    pub(crate) fn coefficients(&self, model: &LinearModel) -> Vector {
        let mut vector = Vector::zeros(self.count, self.placed);
        let mut level = Double::from(model.level);
        for ((source, &slope), &centre) in self.columns.iter().zip(&model.slopes).zip(&model.centre) {
            level = level - Double::product(slope, centre);
            match *source {
                Source::Number(i) => vector.numbers[i] = slope.into(),
                Source::Flag(flag) => vector.flags[flag] = slope.into(),
            }
        }
        vector.numbers[0] = level;
        vector
    }
}
