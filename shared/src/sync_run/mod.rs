//! The use case, from a due connection to a finished run.
