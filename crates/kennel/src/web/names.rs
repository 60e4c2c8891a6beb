//! Who may be called what in a room. A value with the time as an argument.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Present;
use crate::keyring::links::MAX_NAME;

/// A device joins within this after it got its token; so long the name is its own although nobody has joined by it.
const JOINING: Duration = Duration::from_secs(10);
/// Names that are remembered. A forgotten one only means that its device is asked once whether to take over from itself.
const REMEMBERED: usize = 4096;
/// The highest number that is put behind a watcher's name.
const LAST_NUMBER: u32 = 999;

/// Remembers which device got a token for which name.
#[derive(Debug, Default)]
pub struct Names {
    given: HashMap<(String, String), Given>,
}

#[derive(Debug)]
struct Given {
    device: String,
    at: Instant,
}

/// A wish for a name.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The room.
    pub room: &'a str,
    /// The name.
    pub name: &'a str,
    /// The device's own id.
    pub device: &'a str,
    /// Whether the name may be taken from another device.
    pub take_over: bool,
    /// Whether a number may be put behind the name instead.
    pub numbered: bool,
}

/// Another device has the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken;

impl Names {
    /// The name that the device gets. `present` are those in the room now.
    ///
    /// # Errors
    /// [`Taken`] when another device has it and neither taking over nor a number is allowed.
    pub fn claim(&mut self, wish: Wish<'_>, present: &[Present], now: Instant) -> Result<String, Taken> {
        let free = |name: &String| !self.is_taken(wish, name, present, now);
        let first = Some(wish.name.to_owned()).filter(|name| wish.take_over || free(name));
        let last = if wish.numbered { LAST_NUMBER } else { 0 };
        let name = first.or_else(|| (2..=last).map(|n| numbered(wish.name, n)).find(free)).ok_or(Taken)?;
        self.remember(wish, &name, now);
        Ok(name)
    }

    fn is_taken(&self, wish: Wish<'_>, name: &String, present: &[Present], now: Instant) -> bool {
        let given = self.given.get(&(wish.room.to_owned(), name.clone()));
        let there = present.iter().find(|one| one.identity == *name);
        match given {
            Some(given) if given.device == wish.device => false,
            Some(given) => there.is_some() || now.saturating_duration_since(given.at) < JOINING,
            // Whose seat is only kept from before a restart is most likely the one that asks, and nobody may be there to let it in.
            None => there.is_some_and(|one| one.connected),
        }
    }

    fn remember(&mut self, wish: Wish<'_>, name: &str, now: Instant) {
        let place = (wish.room.to_owned(), name.to_owned());
        if self.given.len() >= REMEMBERED && !self.given.contains_key(&place) {
            let oldest = self.given.iter().min_by_key(|(_, given)| given.at).map(|(place, _)| place.clone());
            oldest.and_then(|oldest| self.given.remove(&oldest));
        }
        self.given.insert(place, Given { device: wish.device.to_owned(), at: now });
    }
}

/// `Laptop 2`, cut so that it stays a name.
fn numbered(name: &str, n: u32) -> String {
    let end = format!(" {n}");
    let start: String = name.chars().take(MAX_NAME - end.len()).collect();
    start + &end
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: Wish<'static> = Wish { room: "Den", name: "Kitchen", device: "a", take_over: false, numbered: false };

    fn present(names: &[&str]) -> Vec<Present> {
        names.iter().map(|name| Present { identity: (*name).to_owned(), connected: true }).collect()
    }

    #[test]
    fn a_free_name_is_given_and_the_same_device_gets_it_again() {
        let (mut names, now) = (Names::default(), Instant::now());
        assert_eq!(names.claim(CAMERA, &[], now), Ok("Kitchen".to_owned()));
        assert_eq!(names.claim(CAMERA, &present(&["Kitchen"]), now), Ok("Kitchen".to_owned()));
    }

    #[test]
    fn another_device_must_take_over() {
        let (mut names, now) = (Names::default(), Instant::now());
        let other = Wish { device: "b", ..CAMERA };
        assert_eq!(names.claim(CAMERA, &[], now), Ok("Kitchen".to_owned()));
        assert_eq!(names.claim(other, &[], now), Err(Taken), "the first is on its way in");
        assert_eq!(names.claim(other, &[], now + JOINING), Ok("Kitchen".to_owned()), "it never came");
        let there = present(&["Kitchen"]);
        assert_eq!(names.claim(CAMERA, &there, now + 9 * JOINING), Err(Taken));
        let over = Wish { take_over: true, ..CAMERA };
        assert_eq!(names.claim(over, &there, now + 9 * JOINING), Ok("Kitchen".to_owned()));
        assert_eq!(names.claim(other, &there, now + 99 * JOINING), Err(Taken), "and keeps it");
    }

    #[test]
    fn an_unknown_participant_of_that_name_is_another_device() {
        let mut names = Names::default();
        assert_eq!(names.claim(CAMERA, &present(&["Kitchen"]), Instant::now()), Err(Taken));
        let elsewhere = Wish { room: "Barn", ..CAMERA };
        assert!(names.claim(elsewhere, &[], Instant::now()).is_ok());
    }

    #[test]
    fn a_seat_kept_from_before_a_restart_bars_nobody() {
        let (mut names, now) = (Names::default(), Instant::now());
        let kept = [Present { identity: "Kitchen".to_owned(), connected: false }];
        assert_eq!(names.claim(CAMERA, &kept, now), Ok("Kitchen".to_owned()));
        let other = Wish { device: "b", ..CAMERA };
        assert_eq!(names.claim(other, &kept, now + 9 * JOINING), Err(Taken), "whose it is is known now");
        let watcher = Wish { room: "Barn", numbered: true, ..CAMERA };
        assert_eq!(names.claim(watcher, &kept, now), Ok("Kitchen".to_owned()), "and gets no number");
    }

    #[test]
    fn watchers_get_a_number() {
        let (mut names, now) = (Names::default(), Instant::now());
        let watcher = |device| Wish { device, name: "Laptop", numbered: true, ..CAMERA };
        assert_eq!(names.claim(watcher("a"), &[], now).as_deref(), Ok("Laptop"));
        assert_eq!(names.claim(watcher("b"), &[], now).as_deref(), Ok("Laptop 2"));
        assert_eq!(names.claim(watcher("c"), &present(&["Laptop", "Laptop 2"]), now).as_deref(), Ok("Laptop 3"));
        assert_eq!(names.claim(watcher("b"), &present(&["Laptop", "Laptop 2"]), now + 9 * JOINING).as_deref(), Ok("Laptop 2"));
    }

    #[test]
    fn a_numbered_name_is_still_a_name() {
        let long = "ü".repeat(MAX_NAME);
        let name = numbered(&long, 999);
        assert_eq!(name.chars().count(), MAX_NAME);
        assert!(name.ends_with("ü 999"));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut names, now) = (Names::default(), Instant::now());
        for n in 0..REMEMBERED + 10 {
            let name = n.to_string();
            names.claim(Wish { name: &name, ..CAMERA }, &[], now + Duration::from_millis(n as u64)).expect("free");
        }
        assert_eq!(names.given.len(), REMEMBERED);
    }
}
