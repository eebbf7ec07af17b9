//! Plans: pure functions from a topology and a wish to steps.
