//! Channels, batches, templates, campaigns and jobs.
