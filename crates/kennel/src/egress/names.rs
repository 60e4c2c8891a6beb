//! Names of hosts, as addresses.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;

/// How names become addresses. The system takes a thread for each look-up and does not let go of it before its own patience ends, long
/// after whoever asked is gone; so there are only so many at a time.
#[derive(Clone)]
pub struct Names {
    ask: Arc<Ask>,
    free: Arc<Semaphore>,
}

type Ask = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

impl Names {
    /// The system's names, so many look-ups at a time. More wait.
    #[must_use]
    pub fn of_system(at_once: usize) -> Names {
        Names::new(at_once, |host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }

    /// Names by this function, which may take its time: so many look-ups at a time. More wait.
    pub fn new(at_once: usize, ask: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Names {
        Names { ask: Arc::new(ask), free: Arc::new(Semaphore::new(at_once)) }
    }

    /// Where this host is. An address is taken as it is.
    ///
    /// # Errors
    /// The system's.
    pub async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found = match host.parse() {
            Ok(ip) => vec![ip],
            Err(_) => self.wait_for(host.to_owned()).await?,
        };
        Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }

    async fn wait_for(&self, host: String) -> io::Result<Vec<IpAddr>> {
        let turn = self.free.clone().acquire_owned().await.map_err(io::Error::other)?;
        let ask = self.ask.clone();
        let asking = move || {
            // Until the look-up itself ends: who waits for it may be gone by then.
            let _turn = turn;
            ask(&host)
        };
        tokio::task::spawn_blocking(asking).await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_look_up_keeps_its_place_until_it_ends() {
        let (begun, begins) = channel();
        let (answer, answers) = channel();
        let answers = Mutex::new(answers);
        let names = Names::new(2, move |host| {
            begun.send(host.to_owned()).expect("heard");
            answers.lock().expect("whole").recv().map_err(io::Error::other)
        });
        // Nobody waits for more than a moment, as of a player that was stopped.
        let impatient = async |host: &str| timeout(Duration::from_millis(50), names.look_up(host, 80)).await.is_err();
        for host in ["a", "b", "c", "d"] {
            assert!(impatient(host).await, "{host}");
        }
        assert_eq!(begins.try_iter().collect::<Vec<_>>(), ["a", "b"], "two, though nobody waits for them any more");
        let plain = names.look_up("fd00::1", 80).await.expect("an address");
        assert_eq!(plain, ["[fd00::1]:80".parse().expect("an address")], "which needs no look-up");
        for octet in [1, 2, 3] {
            answer.send(vec![IpAddr::from([10, 0, 0, octet])]).expect("waited for");
        }
        assert_eq!(names.look_up("e", 81).await.expect("found"), ["10.0.0.3:81".parse().expect("an address")]);
    }
}
