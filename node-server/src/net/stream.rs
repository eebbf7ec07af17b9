//! What a connection runs over: TCP or a unix socket. (TLS will be a third kind.)

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::net::{self, RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A stream between two runtimes.
#[derive(Debug)]
pub enum DetachedStream {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl DetachedStream {
    /// Belongs to the runtime of the calling thread from now on.
    pub fn attach(self) -> io::Result<Stream> {
        Ok(match self {
            DetachedStream::Tcp(stream) => Stream::Tcp(TcpStream::from_std(stream)?),
            DetachedStream::Unix(stream) => Stream::Unix(UnixStream::from_std(stream)?),
        })
    }

    /// For a thread that waits for it: at most so long for what comes, and for what goes to be taken.
    pub fn block(&self, read: Duration, write: Duration) -> io::Result<()> {
        match self {
            DetachedStream::Tcp(stream) => {
                stream.set_nonblocking(false)?;
                stream.set_read_timeout(Some(read))?;
                stream.set_write_timeout(Some(write))
            }
            DetachedStream::Unix(stream) => {
                stream.set_nonblocking(false)?;
                stream.set_read_timeout(Some(read))?;
                stream.set_write_timeout(Some(write))
            }
        }
    }
}

impl Read for DetachedStream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            DetachedStream::Tcp(stream) => stream.read(bytes),
            DetachedStream::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for DetachedStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            DetachedStream::Tcp(stream) => stream.write(bytes),
            DetachedStream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsRawFd for DetachedStream {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            DetachedStream::Tcp(stream) => stream.as_raw_fd(),
            DetachedStream::Unix(stream) => stream.as_raw_fd(),
        }
    }
}

impl Stream {
    /// Until something can be read.
    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.readable().await,
            Stream::Unix(stream) => stream.readable().await,
        }
    }

    pub async fn writable(&self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.writable().await,
            Stream::Unix(stream) => stream.writable().await,
        }
    }

    /// Appends what can be read now. From any thread; `WouldBlock` when there is nothing.
    pub fn try_read(&self, input: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.try_read_buf(input),
            Stream::Unix(stream) => stream.try_read_buf(input),
        }
    }

    /// Writes what the socket takes now. From any thread; `WouldBlock` when it takes nothing.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.try_write(bytes),
            Stream::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Whether small pieces wait for each other, to save packets. A Unix socket knows no such thing.
    pub fn set_delay(&self, delays: bool) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_nodelay(!delays),
            Stream::Unix(_) => Ok(()),
        }
    }

    /// Leaves its runtime, to be attached to another one.
    pub fn detach(self) -> io::Result<DetachedStream> {
        Ok(match self {
            Stream::Tcp(stream) => DetachedStream::Tcp(stream.into_std()?),
            Stream::Unix(stream) => DetachedStream::Unix(stream.into_std()?),
        })
    }

    /// Appends what can be read now to `input`, as far as that has room; nothing once the peer has ended.
    pub fn poll_read(&self, cx: &mut Context<'_>, input: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        loop {
            ready!(match self {
                Stream::Tcp(stream) => stream.poll_read_ready(cx),
                Stream::Unix(stream) => stream.poll_read_ready(cx),
            })?;
            let room = input.capacity() - input.len();
            let mut short = None;
            let read = self.try_io(Interest::READABLE, |socket| {
                let (_, read) = net::recv(socket, spare_capacity(input), RecvFlags::empty())?;
                if (1..room).contains(&read) {
                    // There was no more: said so, nobody asks the system again before it tells of something new.
                    short = Some(read);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(read)
            });
            match (short, read) {
                (Some(read), _) => return Poll::Ready(Ok(read)),
                (None, Err(error)) if is_for_later(&error) => {}
                (None, read) => return Poll::Ready(read),
            }
        }
    }

    /// Writes what the socket takes now.
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(match self {
                Stream::Tcp(stream) => stream.poll_write_ready(cx),
                Stream::Unix(stream) => stream.poll_write_ready(cx),
            })?;
            match self.try_io(Interest::WRITABLE, |socket| Ok(net::send(socket, bytes, SendFlags::NOSIGNAL)?))
            {
                Err(error) if is_for_later(&error) => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// Calls of the system itself: those of the C library look each time whether their thread is to be ended in them, which takes
    /// about as long as one command of a pipeline.
    fn try_io<R>(
        &self,
        interest: Interest,
        call: impl FnOnce(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        match self {
            Stream::Tcp(stream) => stream.try_io(interest, || call(stream.as_fd())),
            Stream::Unix(stream) => stream.try_io(interest, || call(stream.as_fd())),
        }
    }
}

/// To be tried again, when the socket is ready again.
fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    async fn pair() -> (Stream, std::net::TcpStream) {
        let door = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = std::net::TcpStream::connect(door.local_addr().unwrap()).unwrap();
        let (stream, _) = door.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        (DetachedStream::Tcp(stream).attach().unwrap(), peer)
    }

    async fn read(stream: &Stream, input: &mut Vec<u8>) -> io::Result<usize> {
        std::future::poll_fn(|cx| stream.poll_read(cx, input)).await
    }

    #[tokio::test]
    async fn what_came_is_appended_as_far_as_there_is_room() {
        let (stream, mut peer) = pair().await;
        peer.write_all(b"0123456789").unwrap();
        let mut input = Vec::with_capacity(8);
        input.extend_from_slice(b"ab");
        assert_eq!(read(&stream, &mut input).await.unwrap(), 6);
        assert_eq!(input, b"ab012345");
        input.reserve_exact(100);
        assert_eq!(read(&stream, &mut input).await.unwrap(), 4);
        assert_eq!(input, b"ab0123456789");
        // Nothing more has come, until something does.
        let mut later = Context::from_waker(Waker::noop());
        assert!(stream.poll_read(&mut later, &mut input).is_pending());
        peer.write_all(b"!").unwrap();
        assert_eq!(read(&stream, &mut input).await.unwrap(), 1);
        drop(peer);
        assert_eq!(read(&stream, &mut input).await.unwrap(), 0, "the peer has ended");
    }

    #[tokio::test]
    async fn what_the_socket_does_not_take_is_written_later() {
        let (stream, mut peer) = pair().await;
        let bytes = vec![7; 1 << 20];
        let mut sent = std::future::poll_fn(|cx| stream.poll_write(cx, &bytes)).await.unwrap();
        let mut later = Context::from_waker(Waker::noop());
        while let Poll::Ready(written) = stream.poll_write(&mut later, &bytes) {
            sent += written.unwrap();
        }
        let reader = std::thread::spawn(move || {
            let mut read = vec![0; sent + 1];
            peer.read_exact(&mut read).unwrap();
            read
        });
        let more = std::future::poll_fn(|cx| stream.poll_write(cx, &[7])).await.unwrap();
        assert_eq!(more, 1);
        let read = reader.join().unwrap();
        assert!(read.iter().all(|byte| *byte == 7));
    }

    #[tokio::test]
    async fn a_peer_that_is_gone_is_an_error_and_no_signal() {
        let (stream, peer) = pair().await;
        drop(peer);
        let error = loop {
            if let Err(error) = std::future::poll_fn(|cx| stream.poll_write(cx, b"x")).await {
                break error;
            }
        };
        assert!(
            matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset),
            "{error}"
        );
    }
}
