//! The addresses at which one client may reach us, while those of the machine come and go.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::Rtc;

use super::{Address, Outbox, Peer};

/// What the library was told of them.
pub(super) struct Reach {
    /// Those of the machine.
    here: Vec<Address>,
    /// Those that the machine has no more, and the library still has.
    gone: Vec<Address>,
}

impl Reach {
    /// Tells the library of these.
    pub fn new(rtc: &mut Rtc, addresses: &[Address]) -> Self {
        addresses.iter().for_each(|address| add(rtc, *address));
        Reach { here: addresses.to_vec(), gone: Vec::new() }
    }

    /// Whether the library was told of this one.
    pub fn has(&self, address: SocketAddr) -> bool {
        self.here.iter().chain(&self.gone).any(|own| own.at == address)
    }

    fn change(&mut self, rtc: &mut Rtc, addresses: &[Address]) {
        let new = addresses.iter().filter(|address| !self.here.contains(address));
        new.for_each(|address| add(rtc, *address));
        self.gone.extend(self.here.iter().filter(|address| !addresses.contains(address)));
        self.gone.retain(|address| !addresses.contains(address));
        self.here = addresses.to_vec();
    }

    /// Before the client is sent a description, so that it is not told of what is gone. Not sooner: a network that is away for a
    /// moment should not cost a path that would work again.
    pub fn forget_gone(&mut self, rtc: &mut Rtc) {
        for candidate in self.gone.drain(..).filter_map(|address| address.candidate()) {
            rtc.direct_api().invalidate_candidate(&candidate);
        }
    }
}

fn add(rtc: &mut Rtc, address: Address) {
    if let Some(candidate) = address.candidate() {
        rtc.add_local_candidate(candidate);
    }
}

impl Peer {
    /// Clients reach us at these addresses from now on. A connected one may come to the new ones at once; of all of them it is told when
    /// there is something to describe, as at an ICE restart.
    pub fn set_addresses(&mut self, now: Instant, addresses: &[Address], out: &mut Outbox) {
        self.reach.change(&mut self.rtc, addresses);
        self.drain(now, out);
    }
}
