//! Links with a key: who may use the pages, what for, where and how long.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::random::{self, Random};
use crate::config::Secret;

/// Characters of a key: 27 of 62 are 160.7 bits, and few enough for a code that a phone reads off a terminal.
pub const KEY_CHARACTERS: usize = 27;
/// Keys in one keyring, so that whoever may make keys cannot fill the disk.
pub const MAX_LINKS: usize = 1000;
/// Characters of a label or a room's name.
pub const MAX_NAME: usize = 128;
/// The longest life of a link that ends at all: 10 years, in ms.
pub const MAX_LIFE_MS: u64 = 10 * 366 * 24 * 3600 * 1000;
/// An ended link stays in the list for 90 days, so that its page can say when it ended, in ms.
pub const KEEP_ENDED_MS: u64 = 90 * 24 * 3600 * 1000;

/// What a link allows. A closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Join as a camera.
    Camera,
    /// Join to watch.
    Watch,
    /// Join a room with one mixed picture.
    Guest,
    /// Look after such a room: mute, put out, arrange. Implies [`Right::Guest`].
    Moderator,
    /// Record its room, and see and delete its recordings.
    Record,
    /// Make links, see every room, change rooms. Implies the others.
    Owner,
}

/// A set of [`Right`]s with what each implies already in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    camera: bool,
    watch: bool,
    guest: bool,
    moderator: bool,
    record: bool,
    owner: bool,
}

/// One link, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// 16 hexadecimal digits; not secret.
    pub id: String,
    /// For the person who looks at the list.
    pub label: String,
    /// What it allows.
    pub rights: Rights,
    /// The only room it is good for.
    pub room: Option<String>,
    /// When it was made, ms since 1970 UTC.
    pub created: u64,
    /// When it ends, ms since 1970 UTC.
    pub ends: Option<u64>,
    /// SHA-256 of the key.
    pub(super) hash: [u8; 32],
    /// The key itself, for the owner's link only: `kennel keys` prints it again.
    pub(super) key: Option<Secret>,
}

/// What the maker of a link chooses.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// 1 to [`MAX_NAME`] characters without control characters.
    pub label: String,
    /// At least one.
    pub rights: Rights,
    /// The only room it shall be good for.
    pub room: Option<String>,
    /// How long it lives, in ms, at most [`MAX_LIFE_MS`].
    pub life_ms: Option<u64>,
}

/// Why a link cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkProblem {
    /// The label is empty, too long or has control characters.
    Label,
    /// The room's name is.
    Room,
    /// No right at all.
    NoRight,
    /// It would end at once, or in more than ten years.
    Life,
    /// There are [`MAX_LINKS`] already.
    TooMany,
}

/// Why a key opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// No link has this key, or it was withdrawn.
    Unknown,
    /// The link ended at this time, ms since 1970 UTC.
    Ended(u64),
}

impl Rights {
    /// Everything.
    pub const ALL: Self = Self { camera: true, watch: true, guest: true, moderator: true, record: true, owner: true };
    /// What everybody may with `--open`: what was recorded is for those who were given a link.
    pub const OPEN: Self = Self { record: false, owner: false, ..Self::ALL };

    /// Whether `right` is in the set.
    pub fn has(self, right: Right) -> bool {
        match right {
            Right::Camera => self.camera,
            Right::Watch => self.watch,
            Right::Guest => self.guest,
            Right::Moderator => self.moderator,
            Right::Record => self.record,
            Right::Owner => self.owner,
        }
    }

    /// The rights in it, in the order of the enum.
    pub fn list(self) -> Vec<Right> {
        let all = [Right::Camera, Right::Watch, Right::Guest, Right::Moderator, Right::Record, Right::Owner];
        all.into_iter().filter(|right| self.has(*right)).collect()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        rights.into_iter().fold(Self::default(), |set, right| match right {
            Right::Camera => Self { camera: true, ..set },
            Right::Watch => Self { watch: true, ..set },
            Right::Guest => Self { guest: true, ..set },
            Right::Moderator => Self { guest: true, moderator: true, ..set },
            Right::Record => Self { record: true, ..set },
            Right::Owner => Self::ALL,
        })
    }
}

impl std::str::FromStr for Right {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "camera" => Ok(Self::Camera),
            "watch" => Ok(Self::Watch),
            "guest" => Ok(Self::Guest),
            "moderator" => Ok(Self::Moderator),
            "record" => Ok(Self::Record),
            "owner" => Ok(Self::Owner),
            _ => Err(format!("'{text}' is no right. Rights are camera, watch, guest, moderator, record and owner.")),
        }
    }
}

impl Link {
    /// Makes a link and its key. The key is not kept in it unless `keep` is set.
    ///
    /// # Errors
    /// [`LinkProblem`] for what is wrong with `new`.
    pub fn make(new: NewLink, keep: bool, now: u64, random: Random<'_>) -> Result<(Self, Secret), LinkProblem> {
        check(&new)?;
        let key = Secret::new(random::letters(KEY_CHARACTERS, random));
        let link = Self {
            id: random::hex(16, random),
            label: new.label,
            rights: new.rights,
            room: new.room,
            created: now,
            ends: new.life_ms.map(|life| now + life),
            hash: hash(key.reveal()),
            key: keep.then(|| key.clone()),
        };
        Ok((link, key))
    }

    /// Whether it has ended.
    pub fn has_ended(&self, now: u64) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }

    /// Whether it is the owner's, which `kennel keys` prints and only `kennel keys --renew` replaces.
    pub fn is_owners(&self) -> bool {
        self.key.is_some()
    }

    /// Whether it may be used in `room`.
    pub fn allows_room(&self, room: &str) -> bool {
        self.room.as_deref().is_none_or(|only| only == room)
    }
}

/// Finds the link of a key. Every link is compared, each in the same time, so that timing tells nothing about keys.
pub(super) fn find<'a>(links: &'a [Link], key: &str, now: u64) -> Result<&'a Link, KeyRefusal> {
    let asked = hash(key);
    let found = links.iter().fold(None, |found, link| if bool::from(link.hash.ct_eq(&asked)) { Some(link) } else { found });
    match found {
        None => Err(KeyRefusal::Unknown),
        Some(link) => match link.ends {
            Some(ends) if ends <= now => Err(KeyRefusal::Ended(ends)),
            _ => Ok(link),
        },
    }
}

/// SHA-256 is enough for keys of 160 random bits: there is nothing to guess.
pub(super) fn hash(key: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    bytes
}

/// Whether `name` may name a person, a camera, a room or a link: 1 to 128 characters, each of which a room takes
/// ([`room::is_speakable`]).
pub fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= MAX_NAME && room::is_speakable(name)
}

fn check(new: &NewLink) -> Result<(), LinkProblem> {
    if !is_name(&new.label) {
        return Err(LinkProblem::Label);
    }
    if new.room.as_deref().is_some_and(|room| !is_name(room)) {
        return Err(LinkProblem::Room);
    }
    if new.rights.is_empty() {
        return Err(LinkProblem::NoRight);
    }
    match new.life_ms {
        Some(life) if life == 0 || life > MAX_LIFE_MS => Err(LinkProblem::Life),
        _ => Ok(()),
    }
}

impl LinkProblem {
    /// A sentence a person can act on.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Label => "A label has 1 to 128 characters and no control characters.",
            Self::Room => "A room's name has 1 to 128 characters and no control characters.",
            Self::NoRight => "Choose at least one right: camera, watch or owner.",
            Self::Life => "A link can live from one second to ten years.",
            Self::TooMany => "There are 1000 links already. Withdraw some first.",
        }
    }
}
