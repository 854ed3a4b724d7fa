//! A proxy that counts what goes through it, both ways together, and blows a fuse at one byte.
//!
//! It knows nothing of what it carries. Invariant: the byte that blows the fuse is the last that
//! was handed on before the fuse blew.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;

/// What happens at a byte.
struct Fuse {
    /// Bytes that still pass.
    left: u64,
    /// What is done then.
    blow: Box<dyn FnOnce() + Send>,
    /// The connection ends there: what follows never arrives.
    cut: bool,
}

/// A running proxy; its listener ends with it.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    bytes: AtomicU64,
    /// When the last connection came, in nanoseconds of unix time.
    connected: AtomicU64,
    fuse: Mutex<Option<Fuse>>,
    over: AtomicBool,
}

impl Proxy {
    /// Listens at a free address and hands everything on to `upstream`.
    pub(crate) fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("bind the proxy")?;
        let address = listener.local_addr().context("ask for the proxy's address")?;
        let (bytes, fuse, over) = (AtomicU64::new(0), Mutex::new(None), AtomicBool::new(false));
        let connected = AtomicU64::new(0);
        let shared = Arc::new(Shared { upstream, bytes, connected, fuse, over });
        let accepting = Arc::clone(&shared);
        thread::Builder::new()
            .name("proxy".into())
            .spawn(move || accepting.accept(&listener))
            .context("start the proxy's thread")?;
        Ok(Self { address, shared })
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many bytes went through it.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Returns when the last connection came, in nanoseconds of unix time; 0 before the first one.
    pub(crate) fn connected_unix_ns(&self) -> u64 {
        self.shared.connected.load(Ordering::Relaxed)
    }

    /// Does something when so many more bytes have passed; with `cut` the connection ends there.
    pub(crate) fn arm(&self, bytes: u64, cut: bool, blow: impl FnOnce() + Send + 'static) {
        *self.shared.fuse() = Some(Fuse { left: bytes, blow: Box::new(blow), cut });
    }

    /// Takes the fuse out; false when it has blown.
    pub(crate) fn disarm(&self) -> bool {
        self.shared.fuse().take().is_some()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        // Wakes the thread that accepts, which then ends.
        drop(TcpStream::connect_timeout(&self.address, Duration::from_secs(1)));
    }
}

impl Shared {
    fn fuse(&self) -> std::sync::MutexGuard<'_, Option<Fuse>> {
        self.fuse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.over.load(Ordering::Acquire) {
                return;
            }
            // A client is refused as the broker itself would refuse it: it loses its connection.
            let Ok(client) = client else { continue };
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
            self.connected.store(now, Ordering::Relaxed);
            let Ok(server) = TcpStream::connect(self.upstream) else { continue };
            let ends = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
            for (from, to) in ends {
                let (Ok(from), Ok(to)) = (from, to) else { continue };
                let shared = Arc::clone(&self);
                thread::spawn(move || shared.pump(from, to));
            }
        }
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        // Small pieces would only be slower: the proxy adds no delay of its own.
        drop(to.set_nodelay(true));
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if self.hand_on(&buffer[..count], &mut to).is_none() {
                break;
            }
        }
        // The other direction ends as well: a connection is whole or gone.
        drop(from.shutdown(Shutdown::Both));
        drop(to.shutdown(Shutdown::Both));
    }

    /// Hands bytes on, up to the fuse and beyond it; `None` when the connection is over.
    fn hand_on(&self, bytes: &[u8], to: &mut TcpStream) -> Option<()> {
        let (before, blown) = {
            let mut fuse = self.fuse();
            match fuse.as_mut() {
                Some(fuse) if fuse.left > bytes.len() as u64 => {
                    fuse.left -= bytes.len() as u64;
                    (bytes.len(), None)
                }
                None => (bytes.len(), None),
                Some(fuse_in) => {
                    let left = usize::try_from(fuse_in.left).unwrap_or(bytes.len());
                    (left, fuse.take())
                }
            }
        };
        // Counted first: whoever has read a byte finds it counted.
        self.bytes.fetch_add(before as u64, Ordering::Relaxed);
        let written = to.write_all(&bytes[..before]);
        if let Some(fuse) = blown {
            (fuse.blow)();
            if fuse.cut {
                return None;
            }
        }
        written.ok()?;
        self.bytes.fetch_add((bytes.len() - before) as u64, Ordering::Relaxed);
        to.write_all(&bytes[before..]).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// What goes in comes out; at the fuse's byte exactly the connection ends.
    #[test]
    fn the_fuse_blows_at_its_byte() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"0123").unwrap();
        let mut four = [0; 4];
        server.read_exact(&mut four).unwrap();
        assert_eq!(&four, b"0123");
        let (sender, blown) = mpsc::channel();
        proxy.arm(6, true, move || sender.send(()).unwrap());
        server.write_all(b"ab").unwrap();
        let mut two = [0; 2];
        client.read_exact(&mut two).unwrap();
        client.write_all(b"456789").unwrap();
        blown.recv_timeout(Duration::from_secs(20)).unwrap();
        let mut rest = Vec::new();
        server.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"4567");
        assert!(!proxy.disarm(), "it has blown");
        assert_eq!(proxy.bytes(), 10);
    }
}
