//! Leads, retention campaigns, and what is done for them.

mod tables;
