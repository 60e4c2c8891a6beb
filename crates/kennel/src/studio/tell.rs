//! What is told of compositions, to whom each says.

use room::{RoomId, RoomKind};
use store::{Callback, CompositionRow, EventRow, HookRow, Write};
use twilio::rest::{RoomStatus, whole_seconds};
use twilio::webhook::{Composition, CompositionHook, Event, Failure, File, Scene};

/// The step that failed, in the words of callbacks.
const MADE: &str = "CompositionProcessing";
const ENQUEUED: &str = "CompositionEnqueue";

/// It is being made.
#[must_use]
pub fn started(row: &CompositionRow, at_ms: u64) -> Write {
    of(row, at_ms, &Event::CompositionStarted(composition(row)))
}

/// So much of it is made.
#[must_use]
pub fn progress(row: &CompositionRow, at_ms: u64, percent: u32, remaining_s: u64) -> Write {
    let percent = u8::try_from(percent.min(100)).unwrap_or(100);
    of(row, at_ms, &Event::CompositionProgress { composition: composition(row), percent, remaining_s })
}

/// It is there.
#[must_use]
pub fn available(row: &CompositionRow, at_ms: u64, duration_ms: u64, bytes: u64) -> Write {
    let file = File { duration_s: whole_seconds(duration_ms), bytes };
    of(row, at_ms, &Event::CompositionAvailable(composition(row), file))
}

/// It could not be made.
#[must_use]
pub fn failed(row: &CompositionRow, at_ms: u64, message: &str) -> Write {
    of(row, at_ms, &Event::CompositionFailed(composition(row), Failure { operation: MADE, message }))
}

/// A hook asked for it.
#[must_use]
pub fn enqueued(row: &CompositionRow, hook: &HookRow, at_ms: u64) -> Write {
    of(row, at_ms, &Event::CompositionEnqueued(named(hook), composition(row)))
}

/// A hook asked for one of this room, and cannot have it.
#[must_use]
pub fn hook_failed(hook: &HookRow, room: u128, at_ms: u64, message: &str) -> Write {
    let event = Event::CompositionHookFailed(named(hook), Failure { operation: ENQUEUED, message });
    write(&hook.account, room, hook.callback.clone(), at_ms, &event)
}

fn composition(row: &CompositionRow) -> Composition {
    Composition { id: row.id }
}

fn named(hook: &HookRow) -> CompositionHook<'_> {
    CompositionHook { id: hook.id, friendly_name: &hook.name }
}

fn of(row: &CompositionRow, at_ms: u64, event: &Event<'_>) -> Write {
    write(&row.account, row.room, row.callback.clone(), at_ms, event)
}

fn write(account: &str, room: u128, callback: Option<Callback>, at_ms: u64, event: &Event<'_>) -> Write {
    // Of its room such an event says the SID only.
    let (name, kind, status) = ("", RoomKind::Group, RoomStatus::Completed);
    let scene = Scene { account, room: RoomId(room), name, kind, status, at_ms };
    Write::Event(Box::new(EventRow {
        room,
        account: account.to_owned(),
        participant: None,
        name: event.name().to_owned(),
        at_ms,
        sequence: 0,
        parameters: event.parameters(&scene),
        callback,
        outcome: String::new(),
    }))
}
