//! Lists: the page and the filter that a query asks for, and the answer with its links.

use axum::{
    Json,
    extract::{FromRequestParts, OriginalUri, Query},
    http::{HeaderValue, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};
use waypost_app::{Cursor, Page, PageRequest};

use crate::{
    ApiState,
    api_error::{ApiError, FaultOut},
    reader,
};

/// What every list understands.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// Number of records per page, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// Cursor: the `next` of the previous page.
    after: Option<String>,
}

/// How many records a page has if nobody says.
const DEFAULT_LIMIT: u16 = 50;
/// More records in one answer would make others wait for it.
const MAX_LIMIT: u16 = 200;

/// A list that has no filter.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFilter {}

/// A page of a list, and which records are asked for.
#[derive(Debug)]
pub(crate) struct Listing<F> {
    /// Which records.
    pub(crate) filter: F,
    /// Which page of them.
    pub(crate) page: PageRequest,
    address: Address,
}

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListOut<T> {
    /// The records, in the list's order.
    items: Vec<T>,
    /// Cursor for `after` to get the next page; null on the last page.
    next: Option<String>,
    /// Total number of records, if requested with `count=true`; at most 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u32>,
    /// Whether there are more records than `total`, because counting ends at 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_is_minimum: Option<bool>,
}

/// Which records are asked for, of a list that is always given whole.
#[derive(Debug)]
pub(crate) struct OneFilter<F>(pub(crate) F);

impl<F: DeserializeOwned> FromRequestParts<ApiState> for OneFilter<F> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, ApiError> {
        reader::from_query(pairs(&parts.uri)?).map(Self).map_err(in_query)
    }
}

impl<F: DeserializeOwned> FromRequestParts<ApiState> for Listing<F> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, ApiError> {
        // Nested routers see a shortened path; links need the whole one.
        let original = parts.extensions.get::<OriginalUri>().map(|OriginalUri(uri)| uri);
        listing(original.unwrap_or(&parts.uri))
    }
}

fn listing<F: DeserializeOwned>(uri: &Uri) -> Result<Listing<F>, ApiError> {
    let (of_page, of_filter) = pairs(uri)?
        .into_iter()
        .partition::<Vec<_>, _>(|(name, _)| matches!(name.as_str(), "limit" | "after"));
    let address = Address { path: uri.path().to_owned(), filter: of_filter.clone(), limit: None };

    let params: PageParams = reader::from_query(of_page).map_err(in_query)?;
    let filter = reader::from_query(of_filter).map_err(in_query)?;
    let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(unreadable("limit", "Must be from 1 to 200."));
    }
    Ok(Listing {
        filter,
        page: PageRequest { limit, after: params.after.map(Cursor) },
        address: Address { limit: params.limit, ..address },
    })
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, ApiError> {
    Query::try_from_uri(uri)
        .map(|Query(pairs)| pairs)
        .map_err(|_| unreadable("", "The query must consist of `name=value` pairs."))
}

fn unreadable(parameter: &str, message: &str) -> ApiError {
    ApiError::faults(vec![FaultOut::parameter(parameter, message)])
}

fn in_query(faults: Vec<reader::Fault>) -> ApiError {
    let fault = |fault: reader::Fault| FaultOut {
        code: fault.code,
        ..FaultOut::parameter(fault.parameter(), fault.message)
    };
    ApiError::faults(faults.into_iter().map(fault).collect())
}

impl<F> Listing<F> {
    /// The answer: the page's records, and where to go on.
    pub(crate) fn reply<T, O: Serialize>(&self, page: Page<T>, out: impl Fn(T) -> O) -> Response {
        let next = page.next.map(|Cursor(text)| text);
        let links = self.address.links(next.as_deref());
        let items = page.rows.into_iter().map(out).collect();
        let (total, total_is_minimum) =
            page.total.map(|total| (total.rows, total.is_minimum)).unzip();
        let mut response = Json(ListOut { items, next, total, total_is_minimum }).into_response();
        // Percent-encoding leaves nothing that a header can't carry.
        if let Ok(links) = HeaderValue::from_str(&links) {
            response.headers_mut().insert(header::LINK, links);
        }
        response
    }
}

/// Where a list is, without the page.
#[derive(Debug)]
struct Address {
    path: String,
    filter: Vec<(String, String)>,
    limit: Option<u16>,
}

impl Address {
    /// The first page, and the next one if there is one (RFC 8288).
    fn links(&self, next: Option<&str>) -> String {
        let first = format!("<{}>; rel=\"first\"", self.with(None));
        match next {
            Some(cursor) => format!("{first}, <{}>; rel=\"next\"", self.with(Some(cursor))),
            None => first,
        }
    }

    fn with(&self, after: Option<&str>) -> String {
        let limit = self.limit.map(|limit| ("limit", limit.to_string()));
        let after = after.map(|cursor| ("after", cursor.to_owned()));
        let query = (self.filter.iter().map(|(name, text)| (name.as_str(), text.clone())))
            .chain(limit)
            .chain(after)
            .map(|(name, text)| format!("{}={}", encoded(name), encoded(&text)))
            .collect::<Vec<_>>();
        if query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, query.join("&"))
        }
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encoded(text: &str) -> String {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 0xf].map(|digit| HEX[usize::from(digit)]);
            encoded.extend(['%', digits[0], digits[1]]);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        #[serde(default)]
        state: Vec<String>,
        text: Option<String>,
        #[serde(default)]
        count: bool,
    }

    fn read(uri: &str) -> Result<Listing<Filter>, ApiError> {
        listing(&uri.parse().unwrap())
    }

    #[test]
    fn page_and_filter_are_told_apart() {
        let listing =
            read("/api/v1/incidents?state=new,on_hold&limit=2&after=abc&count=true").unwrap();
        assert_eq!(listing.filter.state, ["new", "on_hold"]);
        assert_eq!((listing.page.limit, listing.filter.count), (2, true));
        assert_eq!(listing.page.after, Some(Cursor("abc".to_owned())));
    }

    #[test]
    fn nothing_asked_for_is_the_first_fifty() {
        let listing = read("/api/v1/incidents").unwrap();
        assert_eq!((listing.page.limit, listing.page.after), (50, None));
    }

    #[test]
    fn a_limit_out_of_range_and_an_unknown_filter_are_refused_by_name() {
        for (query, parameter) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=many", "limit"),
            ("stat=new", "stat"),
            ("count=yes", "count"),
        ] {
            let refused = read(&format!("/api/v1/incidents?{query}")).unwrap_err();
            let json = refused.json();
            assert_eq!(json["errors"][0]["parameter"], parameter, "{query}");
        }
    }

    #[test]
    fn links_keep_filter_and_limit() {
        let listing = read("/api/v1/incidents?text=a%20%26b&limit=2&after=old").unwrap();
        assert_eq!(
            listing.address.links(Some("new==")),
            "</api/v1/incidents?text=a%20%26b&limit=2>; rel=\"first\", \
             </api/v1/incidents?text=a%20%26b&limit=2&after=new%3D%3D>; rel=\"next\""
        );
    }
}
