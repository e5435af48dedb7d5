//! The PBX client against a simulated PBX: stateful, strict, and broken on demand. Time is the test's own; nothing
//! leaves this machine.

mod answers;
mod reads;
mod support;
mod tokens;
mod writes;
