//! As much of HTTP as a scrape needs: GET /metrics, one answer a connection.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request's head is no longer, and takes no longer to come.
const LONGEST_HEAD: usize = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers scrapes one after the other, until the listener fails. `figures` gives the text.
pub async fn serve<F: Future<Output = String>>(
    listener: TcpListener,
    mut figures: impl FnMut() -> F,
) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let head = tokio::time::timeout(PATIENCE, head(&mut stream)).await;
        let Ok(Ok(head)) = head else { continue };
        let answer = match request(&head) {
            Request::Metrics => {
                response("200 OK", "text/plain; version=0.0.4; charset=utf-8", &figures().await)
            }
            Request::Root => {
                response("200 OK", "text/plain; charset=utf-8", "rcl: figures are at /metrics\n")
            }
            Request::Elsewhere => {
                response("404 Not Found", "text/plain; charset=utf-8", "figures are at /metrics\n")
            }
            Request::Other => response("405 Method Not Allowed", "text/plain; charset=utf-8", "only GET\n"),
        };
        // Who went away needs no answer.
        let _ = tokio::time::timeout(PATIENCE, async {
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await
        })
        .await;
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Request {
    Metrics,
    Root,
    Elsewhere,
    Other,
}

fn request(head: &str) -> Request {
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match (method, path.split('?').next().unwrap_or_default()) {
        ("GET", "/metrics") => Request::Metrics,
        ("GET", "/") => Request::Root,
        ("GET", _) => Request::Elsewhere,
        _ => Request::Other,
    }
}

/// What stands before the empty line.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 1024];
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read(&mut piece).await?;
        if count == 0 || bytes.len() + count > LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        bytes.extend_from_slice(&piece[..count]);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn response(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_get_of_metrics_is_a_scrape() {
        assert_eq!(request("GET /metrics HTTP/1.1\r\nHost: x"), Request::Metrics);
        assert_eq!(request("GET /metrics?x=1 HTTP/1.0"), Request::Metrics);
        assert_eq!(request("GET / HTTP/1.1"), Request::Root);
        assert_eq!(request("GET /other HTTP/1.1"), Request::Elsewhere);
        assert_eq!(request("POST /metrics HTTP/1.1"), Request::Other);
        assert_eq!(request(""), Request::Other);
    }
}
