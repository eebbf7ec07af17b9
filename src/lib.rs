//! `rcl`, the operator's tool, as a library without a terminal under it.
