//! The way to a running system: one request over HTTP, one answer (contract.md 3, 6).
//!
//! Invariant: nothing is sent twice; whoever gives a command knows afterwards whether it was taken,
//! refused, or not answered.

mod http;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use server::auth::{CLI_TOKEN_FILE, Secret};

use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::secrets;

pub(crate) use http::{Reply, Request};

/// Where a running system is, and who asks.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Address of the system's API [default: server.listen of the configuration]
    #[arg(long, value_name = "URL", env = "BELLWETHER_URL")]
    url: Option<String>,
    /// File with a token [default: cli.token in the data directory]
    #[arg(long, value_name = "FILE", env = "BELLWETHER_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

/// A way to a running system.
#[derive(Debug)]
pub(crate) struct Client {
    address: String,
    token: Option<Secret>,
}

impl Client {
    /// Takes address and token from flags, configuration and data directory.
    pub(crate) fn new(context: &Context, connection: &Connection) -> Result<Self, Failure> {
        let config = context.configure(&context.layers())?.config;
        let address = match &connection.url {
            Some(url) => authority(url)?,
            None => config.server.listen.to_string(),
        };
        let token = match &connection.token_file {
            Some(path) => Some(read_token(path)?),
            // Without the file the system may still answer: with authentication off.
            None => read_token_if_there(&context.global.data_dir.join(CLI_TOKEN_FILE))?,
        };
        if let Some(token) = &token {
            secrets::register(token.expose());
        }
        Ok(Self { address, token })
    }

    /// Asks for something.
    pub(crate) fn get(&self, path: &str) -> Result<Reply, Failure> {
        self.send(&Request { method: "GET", path, body: None, key: None })
    }

    /// Asks for a document; anything but a success is a failure.
    pub(crate) fn document(&self, path: &str) -> Result<Value, Failure> {
        self.get(path)?.document()
    }

    /// Gives a command under a key of its own, so that a repetition on the way changes nothing.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Reply, Failure> {
        let key = Secret::random().map_err(|error| Failure::new(Exit::Io, error))?;
        let key = key.expose().get(3..35).unwrap_or_default().to_owned();
        self.send(&Request { method: "POST", path, body: Some(body), key: Some(&key) })
    }

    /// Takes something away.
    pub(crate) fn delete(&self, path: &str) -> Result<Reply, Failure> {
        self.send(&Request { method: "DELETE", path, body: None, key: None })
    }

    fn send(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        http::send(&self.address, self.token.as_ref(), request)
    }
}

/// Returns host and port of a URL.
fn authority(url: &str) -> Result<String, Failure> {
    let shape = || {
        Failure::usage(format_args!("--url {url:?} is not understood"))
            .hint("write it like http://127.0.0.1:8080")
    };
    if url.starts_with("https://") {
        return Err(Failure::usage("--url: this build speaks plain HTTP only")
            .hint("use an SSH tunnel to the machine: ssh -L 8080:127.0.0.1:8080 HOST"));
    }
    let rest = url.strip_prefix("http://").ok_or_else(shape)?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let plain = !authority.is_empty() && !authority.contains(['/', '@', '?', '#', ' ']);
    if !plain {
        return Err(shape());
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port { authority.to_owned() } else { format!("{authority}:80") })
}

fn read_token(path: &Path) -> Result<Secret, Failure> {
    let token = read_token_if_there(path)?;
    token.ok_or_else(|| {
        Failure::missing(format_args!("there is no token file {}", path.display()))
            .hint("the first start of `bellwether run` makes cli.token; `bellwether tokens create` makes others")
    })
}

fn read_token_if_there(path: &Path) -> Result<Option<Secret>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io(format_args!("read {}", path.display()), error)),
    };
    let token = Secret::read(text.trim());
    token.map(Some).ok_or_else(|| {
        Failure::config(format_args!("{} does not hold a token", path.display()))
            .hint("a token is one line: bw_ and 64 digits in hexadecimal")
    })
}

/// Writes a text so that it is one part of a path.
pub(crate) fn part(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@' | b':') {
            part.push(char::from(byte));
        } else {
            part.push_str(&format!("%{byte:02X}"));
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_parts_of_paths() {
        assert_eq!(authority("http://127.0.0.1:8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(authority("http://[::1]:8080/").unwrap(), "[::1]:8080");
        assert_eq!(authority("http://desk").unwrap(), "desk:80");
        for bad in
            ["127.0.0.1:8080", "https://desk", "http://", "http://a/b", "http://u@h", "ftp://x"]
        {
            assert_eq!(authority(bad).unwrap_err().code(), Exit::Usage, "{bad}");
        }
        assert_eq!(part("BRK.B"), "BRK.B");
        assert_eq!(part("a/b c?é"), "a%2Fb%20c%3F%C3%A9");
    }
}
