//! A client's socket: read in batches, with the time at which the system received each datagram.

use std::array;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Socket, Type};

/// Datagrams read in one call.
const BATCH: usize = 16;

/// Bytes of the longest datagram.
const DATAGRAM_BYTES_MAX: usize = 2_048;

/// Bytes that the system is asked to hold for each client.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Opens a client's socket.
///
/// # Errors
/// What the system says.
pub fn open(ip: IpAddr) -> io::Result<mio::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address((ip, 0).into()), Type::DGRAM, None)?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((ip, 0)).into())?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    Ok(mio::net::UdpSocket::from_std(socket.into()))
}

/// What is needed to read; shared by all sockets of a thread.
pub struct Reader {
    headers: MultiHeaders<SockaddrStorage>,
    buffer: Vec<u8>,
}

impl Reader {
    /// Buffers for a batch.
    pub fn new() -> Self {
        let headers = MultiHeaders::preallocate(BATCH, Some(cmsg_space!(TimeSpec)));
        Reader { headers, buffer: vec![0; BATCH * DATAGRAM_BYTES_MAX] }
    }

    /// Reads a batch: from where, when the system got it (since 1970), and what. False: there is no more.
    pub fn read(&mut self, socket: &impl AsRawFd, mut take: impl FnMut(SocketAddr, Duration, &[u8])) -> bool {
        let mut buffers = self.buffer.chunks_mut(DATAGRAM_BYTES_MAX);
        let mut slices: [[IoSliceMut; 1]; BATCH] = array::from_fn(|_| [IoSliceMut::new(buffers.next().unwrap_or_default())]);
        let read = recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None);
        let Ok(messages) = read.inspect_err(|problem| debug_assert_ne!(*problem, Errno::EINVAL)) else { return false };
        let mut count = 0;
        for message in messages {
            count += 1;
            let stamp = message.cmsgs().ok().and_then(|mut all| all.find_map(|one| time_of(&one)));
            let (Some(from), Some(bytes)) = (message.address.as_ref().and_then(address_of), message.iovs().next()) else {
                continue;
            };
            take(from, stamp.unwrap_or_else(time_of_day), bytes);
        }
        count == BATCH
    }
}

fn address_of(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|from| SocketAddr::V4((*from).into()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|from| SocketAddr::V6((*from).into())))
}

fn time_of(message: &ControlMessageOwned) -> Option<Duration> {
    match message {
        ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(*time)),
        _ => None,
    }
}

/// Since 1970.
pub fn time_of_day() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn a_batch_comes_whole_and_with_the_time_of_its_arrival() {
        check(Ipv4Addr::LOCALHOST.into());
        // A machine without IPv6 measures none.
        if std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            check(Ipv6Addr::LOCALHOST.into());
        }
    }

    fn check(ip: IpAddr) {
        let (one, other) = (open(ip).expect("a socket"), open(ip).expect("a socket"));
        let (to, from) = (other.local_addr().expect("bound"), one.local_addr().expect("bound"));
        let mut reader = Reader::new();
        for round in 0..3 {
            let before = time_of_day();
            (0..BATCH as u8 + 3).for_each(|n| assert_eq!(one.send_to(&[round, n, 7], to).expect("sent"), 3));
            let mut came = Vec::new();
            // The system begins to stamp a little after it was asked to; what came before gets the time at which it is read.
            let mut note = |source, at: Duration, bytes: &[u8]| {
                let now = time_of_day();
                assert!(source == from && before <= at && at <= now, "{at:?} is not between {before:?} and {now:?}");
                came.push(bytes.to_vec());
            };
            assert!(reader.read(&other, &mut note));
            assert!(!reader.read(&other, &mut note));
            assert!(!reader.read(&other, &mut note));
            assert_eq!(came, (0..BATCH as u8 + 3).map(|n| vec![round, n, 7]).collect::<Vec<_>>());
        }
    }
}
