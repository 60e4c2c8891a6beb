//! Whole compositions of recordings that are made here, looked at and listened to.

mod bad;
mod decoded;
mod formats;
mod golden;
mod layouts;
mod sync;
mod times;
mod world;
