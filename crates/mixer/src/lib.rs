//! Pictures and sound of many in, one picture and each listener's sound out. Values only: time and input are arguments, and there are
//! no threads. The codecs written in C are under [`codec`]; nothing else here is `unsafe`.

pub mod card;
pub mod codec;
pub mod frame;
pub mod input;
pub mod limit;
pub mod picture;
pub mod sound;
