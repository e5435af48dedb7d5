//! Tests over several crates, and those of the documents. Nothing is exported: each test program stands alone.
