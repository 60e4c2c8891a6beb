//! The rooms from outside: scripts of what people do, and random histories against a small obvious model.

mod layout;
mod links;
mod media;
mod mix_takes;
mod moving;
mod owner;
mod party;
mod play;
mod random;
mod random_mix;
mod rules;
mod scripts;
mod served;
mod stage;
mod story;
mod takes;
