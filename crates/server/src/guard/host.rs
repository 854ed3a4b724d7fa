//! Which names this server answers to: a page that a browser loaded from elsewhere must not reach
//! it under a name of its own (DNS rebinding), nor send commands in the operator's name (S6).

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};

use crate::problem::Problem;

/// The names and the port of the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Hosts {
    allowed: Vec<String>,
}

impl Hosts {
    /// Allows the address that is listened on, and the loopback's names where that is reached by
    /// them.
    pub(crate) fn of(listen: SocketAddr) -> Self {
        let port = listen.port();
        let mut names = vec![host_of(listen.ip())];
        if listen.ip().is_loopback() || listen.ip().is_unspecified() {
            names.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        names.dedup();
        let with_port = names.iter().map(|name| format!("{name}:{port}"));
        // The default port of HTTP is not named.
        let bare = names.iter().filter(|_| port == 80).cloned();
        Self { allowed: with_port.chain(bare).collect() }
    }

    /// Checks the Host header.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if host.is_some_and(|host| self.allows(host)) {
            Ok(())
        } else {
            Err(Problem::misdirected())
        }
    }

    /// Checks where a command comes from, when a browser says so.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let foreign = || Problem::forbidden("commands are not taken from other pages (S6)");
        if let Some(site) = headers.get("sec-fetch-site")
            && site != "same-origin"
            && site != "none"
        {
            return Err(foreign());
        }
        match headers.get(header::ORIGIN).map(|origin| origin.to_str()) {
            None => Ok(()),
            Some(Ok(origin)) => {
                let host =
                    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
                if host.is_some_and(|host| self.allows(host)) { Ok(()) } else { Err(foreign()) }
            }
            Some(Err(_)) => Err(foreign()),
        }
    }

    fn allows(&self, host: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

fn host_of(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    /// S6: the names of a loopback server with their port, and no other.
    #[test]
    fn only_our_names_are_answered() {
        let hosts = Hosts::of("127.0.0.1:8080".parse().unwrap());
        let check = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:8080"));
            headers.insert(name, HeaderValue::from_static(value));
            hosts.check(&headers).is_ok() && hosts.check_origin(&headers).is_ok()
        };
        for good in ["127.0.0.1:8080", "LOCALHOST:8080", "[::1]:8080"] {
            assert!(check("host", good), "{good}");
        }
        for bad in ["evil.example:8080", "127.0.0.1", "127.0.0.1:8081", "localhost.evil:8080", ""] {
            assert!(!check("host", bad), "{bad}");
        }
        assert!(check("origin", "http://localhost:8080"));
        for bad in ["http://evil.example", "null", "http://localhost:9999", "file://"] {
            assert!(!check("origin", bad), "{bad}");
        }
        assert!(check("sec-fetch-site", "same-origin") && check("sec-fetch-site", "none"));
        assert!(!check("sec-fetch-site", "cross-site") && !check("sec-fetch-site", "same-site"));
        assert!(hosts.check(&HeaderMap::new()).is_err(), "no host at all");
    }
}
