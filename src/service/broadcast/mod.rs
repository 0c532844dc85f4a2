//! The use cases of broadcasting.
