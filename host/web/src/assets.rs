//! Assets: the few files beside pages, each under a name that changes with its content.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A file, as it was when the program was built.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Its name in the source.
    pub(crate) file: &'static str,
    /// Its name in addresses.
    pub(crate) name: &'static str,
    pub(crate) bytes: &'static [u8],
    /// The same, compressed.
    pub(crate) gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The address of a file.
pub(crate) fn address(file: &str) -> String {
    let found = ASSETS.iter().find(|asset| asset.file == file);
    format!("/assets/{}", found.map_or(file, |asset| asset.name))
}

/// Answers with a file. Its name changes with its content, so a browser asks once.
pub(crate) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let media = match asset.file.rsplit_once('.').map(|(_, end)| end) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let takes_gzip = takes_gzip(&headers);
    let mut response = if takes_gzip { asset.gzip } else { asset.bytes }.into_response();
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    own.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    own.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if takes_gzip {
        own.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether a browser takes what is compressed: it says so, and does not say that it weighs nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter();
    let lists = lists.filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let mut weights = parts.filter_map(|part| part.strip_prefix(['q', 'Q'])?.strip_prefix('='));
        let weight = weights.next().map(|weight| weight.trim().parse::<f32>());
        is_gzip && weight.is_none_or(|weight| weight.is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_is_for_who_takes_it() {
        let takes = |given: &str| {
            let value = HeaderValue::from_str(given).unwrap();
            takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]))
        };
        for yes in ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP; q=0.8", "gzip;q=0.001"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip; Q=0.000, br", "notgzip", "gzip;q=much"] {
            assert!(!takes(no), "{no}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn an_asset_is_named_by_its_content() {
        let style = address("waypost.css");
        assert!(style.starts_with("/assets/waypost."), "{style}");
        assert_ne!(style, "/assets/waypost.css");
    }

    #[test]
    fn what_every_page_loads_is_small() {
        let compressed = |file: &str| {
            let asset = ASSETS.iter().find(|asset| asset.file == file);
            asset.expect("it is one of ours").gzip.len()
        };
        assert!(compressed("waypost.css") < 20 * 1024, "{}", compressed("waypost.css"));
        let scripts = compressed("waypost.js") + compressed("desk.js");
        assert!(scripts < 8 * 1024, "{scripts}");
        assert!(compressed("mark.svg") > 0);
    }
}
