//! All tests against the whole of Herald, in one binary: by HTTP and WebSocket, on SQLite with events in process, or on
//! PostgreSQL and Redis if `HERALD_TEST_DATABASE_URL` and `HERALD_TEST_REDIS_URL` say where they are.

#![expect(clippy::unwrap_used, reason = "a test that meets an error fails")]

mod accounts;
mod api_tokens;
mod archive;
mod audit;
mod bombs;
mod callbacks;
mod campaigns;
mod catalog;
mod clients;
mod command;
mod conversions;
mod dashboard;
mod delivery;
mod demo;
mod document;
mod events;
mod fleet;
mod floors;
mod harness;
mod http;
mod imports;
mod inputs;
mod integrations;
mod keys;
mod live;
mod login;
mod lookups;
mod metrics;
mod names;
mod operations;
mod operator;
mod pages;
mod providers;
mod retention;
mod revocation;
mod roles;
mod same_request;
mod schema;
mod shared_frames;
mod sockets;
mod sso;
mod statements_end;
mod subscriptions;
mod telegram;
mod texts;
mod traces;
mod trips;
mod turns;
mod uploads;
mod users;
mod way_in;
mod wire;
