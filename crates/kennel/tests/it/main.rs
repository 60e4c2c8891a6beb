//! The web layer in this process: requests without sockets where that tells enough, sockets on loopback port 0 where it does not.

mod api;
mod compositions;
mod late;
mod limits;
mod links;
mod live;
mod moderate;
mod openapi;
mod pages;
mod recordings;
mod sdk;
mod sealed;
mod secrets;
mod session;
mod shelf;
mod stage;
mod studio;
mod tls;
mod zones;
