//! Calls to a server of this machine: one request a connection, JSON both ways.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

/// Longest time one call may take.
const LIMIT: Duration = Duration::from_secs(15);

/// An answer.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The body; null when it is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// Returns the body of a call that had to succeed.
    pub(crate) fn ok(self) -> anyhow::Result<Value> {
        ensure!((200..300).contains(&self.status), "status {}: {}", self.status, self.body);
        Ok(self.body)
    }
}

/// Asks for a path.
pub(crate) fn get(server: SocketAddr, path: &str, token: Option<&str>) -> anyhow::Result<Answer> {
    call(server, "GET", path, token, None)
}

/// Sends a document to a path.
pub(crate) fn post(
    server: SocketAddr,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> anyhow::Result<Answer> {
    call(server, "POST", path, token, Some(body))
}

fn call(
    server: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> anyhow::Result<Answer> {
    let doing = || format!("{method} http://{server}{path}");
    let mut stream = TcpStream::connect_timeout(&server, LIMIT).with_context(doing)?;
    stream.set_read_timeout(Some(LIMIT)).with_context(doing)?;
    stream.set_write_timeout(Some(LIMIT)).with_context(doing)?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    if let Some(token) = token {
        request.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(&body);
    stream.write_all(request.as_bytes()).with_context(doing)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).with_context(doing)?;
    parse(&bytes).with_context(doing)
}

/// Reads an answer whose end is the end of the connection.
fn parse(bytes: &[u8]) -> anyhow::Result<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { bail!("the answer was cut off") };
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.context("the answer has no status")?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { joined(body) } else { body.to_owned() };
    Ok(Answer { status, body: serde_json::from_str(&body).unwrap_or(Value::Null) })
}

/// Puts the chunks of a body together.
fn joined(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or(0);
        let Some(chunk) = rest.get(..length).filter(|chunk| !chunk.is_empty()) else { break };
        whole.push_str(chunk);
        body = rest.get(length + 2..).unwrap_or_default();
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_and_in_chunks() {
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
        assert_eq!(parse(plain).unwrap().ok().unwrap(), serde_json::json!({"a": 1}));
        let chunked = b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n\
                        3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
        let answer = parse(chunked).unwrap();
        assert_eq!((answer.status, &answer.body), (503, &serde_json::json!({"a": 1})));
        assert!(answer.ok().is_err());
        assert!(parse(b"HTTP/1.1 200").is_err());
    }
}
