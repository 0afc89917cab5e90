//! Numerics shared by the pure modules.

mod distributions;
mod dot;
mod double;
mod fieller;
mod mixture;
mod moments;
mod quantile;
mod random;
mod solve;
mod sum;
mod wide;

pub(crate) use distributions::{
    beta_quantile, binomial_two_sided, chi_square_sf, kolmogorov_sf, normal_quantile, normal_two_sided,
    t_quantile, t_two_sided,
};
pub(crate) use dot::dot;
pub(crate) use double::Double;
pub(crate) use fieller::fieller_reach;
pub(crate) use mixture::{one_sided_boundary, two_sided_normal_boundary};
pub(crate) use moments::Moments;
pub(crate) use quantile::quantile;
pub(crate) use random::{Draws, SEEDS, is_seed, mixed, poisson_of_mean_one};
pub(crate) use solve::{NormalEquations, solve_normal_equations, solve_positive};
pub(crate) use sum::Sum;
pub(crate) use wide::{Factor, Halved, WideSum, WideSums, add, merged, rounded};
