//! The cluster as all its nodes see it, merged into one value with the disagreements kept.
