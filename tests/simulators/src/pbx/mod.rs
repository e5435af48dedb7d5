//! A simulated phone system.
