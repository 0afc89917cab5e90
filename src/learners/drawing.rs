//! Folds and bags: which rows a member of a model sees, by a hash of seed and unit.

use crate::math::{mixed, poisson_of_mean_one};

/// Keep the draws of folds and of bags apart from each other and from those that other methods make from the same seed.
const FOLD: u64 = 0x666f_6c64_5f6f_6620;
const BAG: u64 = 0x6261_675f_6f66_2020;

/// How units are drawn into folds and bags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawing {
    pub(crate) seed: u64,
    /// Parts of the units, one of which each member does not see; 1 where every member sees all.
    pub(crate) folds: u32,
    /// Draws of the units with replacement; 1 where the units are taken as they are.
    pub(crate) bags: u32,
}

impl Drawing {
    /// The fold of a unit.
    pub(crate) fn fold(&self, key: u64) -> u32 {
        // The upper half of the product: as uniform as the hash, for any number of folds.
        let draw = mixed(mixed(self.seed ^ FOLD) ^ key);
        ((u128::from(draw) * u128::from(self.folds)) >> 64) as u32
    }

    /// How often a bag has a unit.
    pub(crate) fn times(&self, bag: u32, key: u64) -> u32 {
        if self.bags <= 1 {
            return 1;
        }
        let draw = mixed(mixed(mixed(self.seed ^ BAG) ^ u64::from(bag)) ^ key);
        poisson_of_mean_one((draw >> 32) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::Drawing;
    use crate::math::mixed;

    const UNITS: u64 = 100_000;

    #[test]
    fn folds_are_of_one_size_and_bags_draw_once_on_average() {
        let drawing = Drawing { seed: 7, folds: 5, bags: 10 };
        let mut folds = [0_u32; 5];
        let (mut drawn, mut twice) = (0.0, 0.0);
        for unit in 0..UNITS {
            let key = mixed(unit);
            folds[drawing.fold(key) as usize] += 1;
            let times = drawing.times(3, key);
            drawn += f64::from(times);
            twice += f64::from(times * drawing.times(4, key));
        }
        let n = UNITS as f64;
        // Standard errors: sqrt(n / 5 * 4 / 5) of a fold, sqrt(n) of the draws and sqrt(3 n) of their products.
        assert!(
            folds.iter().all(|&rows| (f64::from(rows) - n / 5.0).abs() < 4.0 * (n * 0.16).sqrt()),
            "{folds:?}"
        );
        assert!((drawn - n).abs() < 4.0 * n.sqrt(), "{drawn}");
        assert!((twice - n).abs() < 4.0 * (3.0 * n).sqrt(), "{twice}");
    }

    #[test]
    fn one_bag_has_every_unit_once() {
        let drawing = Drawing { seed: 7, folds: 1, bags: 1 };
        assert!((0..1000).all(|key| drawing.times(0, key) == 1 && drawing.fold(key) == 0));
    }
}
