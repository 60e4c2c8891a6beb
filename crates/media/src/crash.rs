//! What was being handled when something panicked, so that it can be made a test.
//!
//! Nothing is copied before. A guard on the stack knows what is being handled and looks at it only when a panic drops it; it leaves
//! what it saw with the thread, where whoever catches the panic finds it.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::thread;

use room::{Act, Order, Scene, Sealed};

use crate::arrival::Arrival;
use crate::limit::{CRASH_INPUT_CHARACTERS_MAX, CRASH_PAYLOAD_BYTES_MAX};
use crate::net::{Datagram, Protocol};

/// A panic that was survived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crash {
    /// What the panic says.
    pub message: String,
    /// What was being handled, in words and hexadecimal digits: a datagram as it came, still enciphered; the header of a packet, with
    /// the first bytes of a picture and none of a sound; an order with its description, without the password of its transport.
    /// Empty: nothing but time had passed.
    pub input: String,
}

/// Who hears of panics. Called from the workers' threads, and must not wait.
#[derive(Clone, Default)]
pub struct Witness(pub Option<Arc<dyn Fn(Crash) + Send + Sync>>);

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}

impl Witness {
    /// Tells of the panics that this thread has caught since the last time.
    pub(crate) fn tell(&self) {
        while let Some(crash) = CAUGHT.take() {
            if let Some(hear) = &self.0 {
                hear(crash);
            }
        }
    }
}

thread_local! {
    /// What was being handled when the panic began that is on its way now.
    static INPUT: RefCell<Option<String>> = const { RefCell::new(None) };
    /// The first panic since it was last told.
    static CAUGHT: RefCell<Option<Crash>> = const { RefCell::new(None) };
}

/// A panic was caught on this thread. Of several before anybody asks, the first is kept.
pub(crate) fn caught(panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    let crash = Crash { message: text.unwrap_or_default().to_owned(), input: INPUT.take().unwrap_or_default() };
    CAUGHT.with_borrow_mut(|first| _ = first.get_or_insert(crash));
}

/// As long as it lives, this is being handled.
pub(crate) struct Handling<F: Fn() -> String>(F);

impl<F: Fn() -> String> Handling<F> {
    /// This was being handled when something panicked.
    pub fn tell(&self) {
        // The innermost comes first, and says most.
        INPUT.with_borrow_mut(|input| _ = input.get_or_insert_with(&self.0));
    }
}

impl<F: Fn() -> String> Drop for Handling<F> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.tell();
        }
    }
}

/// A datagram is being handled.
pub(crate) fn handling<'a>(datagram: &'a Datagram<'_>) -> Handling<impl Fn() -> String + use<'a>> {
    let (protocol, bytes) = (datagram.protocol, datagram.bytes);
    Handling(move || {
        let kind = if protocol == Protocol::Udp { "a datagram" } else { "a frame of a TCP connection" };
        with_bytes(format!("{kind} of {} bytes\n", bytes.len()), bytes)
    })
}

/// A packet is being passed on.
pub(crate) fn passing_on(packet: &Arrival, audio: bool) -> Handling<impl Fn() -> String + use<>> {
    let payload = Arc::clone(&packet.payload);
    let &Arrival { payload_type: kind, ssrc: source, seq, time, marker, .. } = packet;
    Handling(move || {
        let shown = if audio { 0 } else { CRASH_PAYLOAD_BYTES_MAX.min(payload.len()) };
        let said = format!(
            "a packet of {} bytes: type {kind}, source {source}, number {seq}, time {time}, marker {marker}\n",
            payload.len()
        );
        with_bytes(said, payload.get(..shown).unwrap_or_default())
    })
}

/// A description is being read.
pub(crate) fn reading(said: &Sealed) -> Handling<impl Fn() -> String + use<>> {
    let said = said.clone();
    Handling(move || with_description("a description\n".into(), &said.0))
}

/// An order is being carried out.
pub(crate) fn obeying(order: &Order) -> Handling<impl Fn() -> String + use<>> {
    let order = order.clone();
    Handling(move || {
        let said = match &order.act {
            Act::Open(open) => &*open.offer.sealed.0,
            Act::Signal(_, signal) => &*signal.sealed.0,
            Act::Say(_, Sealed(text)) => text,
            _ => "",
        };
        with_description(format!("an order: {}\n", nameless(&order.act)), said)
    })
}

/// An act without what people are called: of a scene, how much there is of what.
fn nameless(act: &Act) -> String {
    let mut text = match act {
        Act::Scene(Some(scene)) => {
            let Scene { canvas, cells, voices, ears, .. } = &**scene;
            format!("Scene({canvas:?}, {} cells, {} voices, {} ears)", cells.len(), voices.len(), ears.len())
        }
        act => format!("{act:?}"),
    };
    if let Some((end, _)) = text.char_indices().nth(CRASH_INPUT_CHARACTERS_MAX / 2) {
        text.truncate(end);
    }
    text
}

fn with_description(mut text: String, said: &str) -> String {
    for line in said.lines() {
        let line = if line.starts_with(PASSWORD) { PASSWORD } else { line };
        if text.len() + line.len() < CRASH_INPUT_CHARACTERS_MAX {
            text.extend([line, "\n"]);
        }
    }
    text
}

/// In a description (RFC 8839, section 5.4).
const PASSWORD: &str = "a=ice-pwd:";

fn with_bytes(mut text: String, bytes: &[u8]) -> String {
    for line in bytes.chunks(32) {
        for byte in line {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;

    use room::{LinkId, ParticipantId, RoomId, Signal, Step};

    use super::*;

    /// What is told of a panic while something is handled.
    fn told<T>(handle: impl FnOnce() -> T) -> Vec<Crash> {
        let panic = catch_unwind(AssertUnwindSafe(handle)).err().expect("a panic");
        caught(&*panic);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        Witness(Some(Arc::new(move |crash| ear.lock().unwrap().push(crash)))).tell();
        heard.lock().unwrap().clone()
    }

    fn datagram(bytes: &[u8]) -> Datagram<'_> {
        let nowhere = ([10, 0, 0, 1], 7).into();
        Datagram { protocol: Protocol::Udp, source: nowhere, destination: nowhere, bytes }
    }

    #[test]
    fn what_was_handled_is_told_with_what_the_panic_says() {
        let crashes = told(|| {
            let datagram = datagram(&[0x80, 1, 255]);
            let _handling = handling(&datagram);
            panic!("at {}", 7);
        });
        let expected = Crash { message: "at 7".into(), input: "a datagram of 3 bytes\n8001ff\n".into() };
        assert_eq!(crashes, [expected]);
        assert!(!crashes[0].input.contains("10.0.0.1"));
        let crashes = told(|| panic!("time"));
        assert_eq!(crashes, [Crash { message: "time".into(), input: String::new() }]);
    }

    #[test]
    fn what_is_handled_without_a_panic_leaves_nothing() {
        drop(handling(&datagram(b"x")));
        assert_eq!(told(|| panic!("later"))[0].input, "");
    }

    #[test]
    fn an_order_is_told_with_its_description_but_without_the_password() {
        let sealed = Sealed("v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:topsecret\r\na=mid:0\r\n".into());
        let signal = Signal { step: Step::Offer, revision: 3, sealed };
        let order = Order::new(RoomId(1), ParticipantId(2), Act::Signal(LinkId("l".into()), signal));
        let crashes = told(|| {
            let _obeying = obeying(&order);
            panic!("no");
        });
        let text = &crashes[0].input;
        assert!(text.starts_with("an order: Signal(") && text.contains("revision: 3"), "{text}");
        assert!(text.ends_with("v=0\na=ice-ufrag:abcd\na=ice-pwd:\na=mid:0\n"), "{text}");
    }

    #[test]
    fn nobody_is_named() {
        let cell =
            room::Cell { who: ParticipantId(7), area: room::Area::default(), track: None, name: "Ann".into(), whole: false };
        let scene = Scene { cells: vec![cell], ..Scene::default() };
        let text = nameless(&Act::Scene(Some(scene.into())));
        assert!(text.contains("1 cells") && !text.contains("Ann"), "{text}");
        let long = Act::Subscribe((0..100_000).map(room::TrackId).collect());
        assert!(nameless(&long).len() <= CRASH_INPUT_CHARACTERS_MAX / 2);
    }

    #[test]
    fn of_a_long_description_only_so_much_is_told() {
        let sealed = Sealed("a=x\n".repeat(CRASH_INPUT_CHARACTERS_MAX).into());
        let order = Order::new(RoomId(1), ParticipantId(2), Act::Say(room::Channel::Render, sealed));
        let crashes = told(|| {
            let _obeying = obeying(&order);
            panic!("long");
        });
        assert!(crashes[0].input.len() <= CRASH_INPUT_CHARACTERS_MAX);
    }
}
