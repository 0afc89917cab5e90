//! Coverage of the intervals in seeded simulations.
