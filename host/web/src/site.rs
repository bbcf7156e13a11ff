//! The site: the public address at which people reach the pages.

use std::net::IpAddr;

use axum::http::{Uri, uri::Scheme};

/// Where people reach the pages, as they see it in their browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    url: String,
    is_https: bool,
}

/// An address at which the pages would not be safe, or none at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidSite {
    /// It is no address.
    Malformed(String),
    /// Whoever is on the way could take over a sign-in.
    InTheOpen(String),
}

impl std::fmt::Display for InvalidSite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(given) => write!(
                f,
                "`{given}` is not a valid public_url; use a scheme, a host and perhaps a port, and no path: \
                 https://desk.example.com"
            ),
            Self::InTheOpen(given) => write!(
                f,
                "`{given}` is not encrypted, so anybody on the way could sign in as somebody else; use https:// \
                 (plain http:// is for localhost only)"
            ),
        }
    }
}

impl std::error::Error for InvalidSite {}

impl Site {
    /// Reads a public address.
    ///
    /// # Errors
    /// [`InvalidSite`]: plain HTTP is for this machine only.
    pub fn new(given: &str) -> Result<Self, InvalidSite> {
        let malformed = || InvalidSite::Malformed(given.to_owned());
        let url = given.trim().trim_end_matches('/');
        let uri: Uri = url.parse().map_err(|_| malformed())?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(malformed());
        };
        let is_whole =
            uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
        if !is_whole {
            return Err(malformed());
        }
        let url = as_browsers_write(url);
        if *scheme == Scheme::HTTPS {
            return Ok(Self { url, is_https: true });
        }
        if *scheme != Scheme::HTTP {
            return Err(malformed());
        }
        if is_this_machine(authority.host()) {
            Ok(Self { url, is_https: false })
        } else {
            Err(InvalidSite::InTheOpen(given.to_owned()))
        }
    }

    /// The address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the cookie that holds a sign-in. With the prefix, a browser takes it from this
    /// host only, and encrypted.
    pub(crate) fn cookie(&self) -> &'static str {
        if self.is_https { "__Host-waypost" } else { "waypost" }
    }

    /// Whether it is encrypted on its way.
    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }
}

/// An address as browsers say where a form comes from: in small letters, without the usual port.
fn as_browsers_write(url: &str) -> String {
    let url = url.to_ascii_lowercase();
    let usual = if url.starts_with("https:") { ":443" } else { ":80" };
    url.strip_suffix(usual).unwrap_or(&url).to_owned()
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_a_scheme_and_a_host() {
        for good in
            ["https://desk.example.com", "https://desk.example.com:8443/", "http://localhost:8080"]
        {
            assert_eq!(Site::new(good).unwrap().url(), good.trim_end_matches('/'));
        }
        for bad in ["", "desk.example.com", "https://", "https://a.example/desk", "ftp://localhost"]
        {
            assert!(matches!(Site::new(bad), Err(InvalidSite::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn a_site_is_written_as_browsers_write_it() {
        for (given, written) in [
            ("HTTPS://Desk.Example.com:443/", "https://desk.example.com"),
            ("http://LOCALHOST:80", "http://localhost"),
            ("https://desk.example.com:80", "https://desk.example.com:80"),
        ] {
            assert_eq!(Site::new(given).unwrap().url(), written);
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"] {
            assert_eq!(Site::new(good).unwrap().cookie(), "waypost");
        }
        let open = Site::new("http://desk.example.com").unwrap_err();
        assert!(open.to_string().contains("use https://"), "{open}");
        assert!(Site::new("http://localhost.example.com").is_err());
        assert_eq!(Site::new("https://a.example").unwrap().cookie(), "__Host-waypost");
    }
}
