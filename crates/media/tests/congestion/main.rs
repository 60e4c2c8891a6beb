//! Congestion control in virtual time, over links of all sorts.

mod corpus;
mod link;
mod receiver;
mod reports;
mod scene;
mod scenes;
