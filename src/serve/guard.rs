//! Who may ask, and what goes with every answer.
//!
//! A browser lends its user's reach to every page that is open in it. So a request is taken only under a name of this
//! service (a foreign name may resolve to this machine: DNS rebinding), and from no other page than its own.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant as Stopwatch;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::Next;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::app::App;
use super::options::{Options, Token, is_same};
use super::reply::{Problem, Reply};

/// Scripts, styles and pictures of this service alone, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The cookie of a page whose person has shown the token.
pub(super) const COOKIE: &str = "headcount";

/// Paths that anybody may see: whether the service lives, how to sign in, and what the page looks like.
fn is_open(path: &str) -> bool {
    path == "/healthz" || path == "/login" || path.starts_with("/assets/")
}

/// Lets a request through, or says why not.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    let began = Stopwatch::now();
    let path = request.uri().path().to_owned();
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = match admit(&app.options, request.headers(), &path) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            app.metrics.refused.fetch_add(1, Ordering::Relaxed);
            refusal.reply(&path, request.method(), request.uri()).into_response()
        }
    };
    let template = matched.and_then(|path| super::routes::template(&path)).unwrap_or("other");
    app.metrics.count(template, response.status(), began.elapsed());
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CACHE_CONTROL, "no-store");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    response
}

/// Why a request is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    Host,
    Origin,
    NoToken,
    WrongToken,
}

impl Refusal {
    fn reply(self, path: &str, method: &Method, uri: &axum::http::Uri) -> Reply {
        let is_platform = path.starts_with("/api/v2/");
        let is_page =
            !path.starts_with("/api/") && !path.starts_with("/mi/") && path != "/metrics" && path != "/openapi.json";
        let (status, message) = match self {
            Refusal::Host => (StatusCode::FORBIDDEN, "this service does not answer to that host; name it with --host"),
            Refusal::Origin => (StatusCode::FORBIDDEN, "this service takes no requests from other pages"),
            Refusal::NoToken | Refusal::WrongToken if is_page && method == Method::GET => {
                let next = uri.path_and_query().map_or("/", |place| place.as_str());
                return Reply::see(format!("/login?next={}", encoded(next)));
            }
            Refusal::NoToken => (StatusCode::UNAUTHORIZED, "say who asks: Authorization: Token …"),
            // The platform's own answer, which its clients know.
            Refusal::WrongToken if is_platform => (StatusCode::FORBIDDEN, "Invalid token"),
            Refusal::WrongToken => (StatusCode::UNAUTHORIZED, "this token is not right"),
        };
        let problem = Problem::new(status, message);
        let mut reply = if is_platform { super::reply::detail(&problem) } else { problem.reply() };
        if status == StatusCode::UNAUTHORIZED {
            reply.headers.push((header::WWW_AUTHENTICATE, "Token".to_owned()));
        }
        reply
    }
}

/// A text as a parameter's value.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = std::fmt::Write::write_fmt(&mut encoded, format_args!("%{byte:02X}"));
        }
    }
    encoded
}

fn admit(options: &Options, headers: &HeaderMap, path: &str) -> Result<(), Refusal> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).ok_or(Refusal::Host)?;
    if !is_ours(options, host) || headers.get_all(header::HOST).iter().count() > 1 {
        return Err(Refusal::Host);
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if !authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
            return Err(Refusal::Origin);
        }
    }
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
        && headers.get("sec-fetch-mode").is_none_or(|mode| mode != "navigate")
    {
        return Err(Refusal::Origin);
    }
    match &options.token {
        Some(token) if !is_open(path) => shown(headers, token),
        _ => Ok(()),
    }
}

/// Whether a `Host` names this service: this machine, one of the names that were given, or, where it listens to others
/// who must show a token, an address.
fn is_ours(options: &Options, host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if name.eq_ignore_ascii_case("localhost") || options.hosts.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return true;
    }
    // Where a page's name is an address, nobody can have it resolve to another.
    name.parse().is_ok_and(|address: IpAddr| address.is_loopback() || !options.listen.ip().is_loopback())
}

fn shown(headers: &HeaderMap, token: &Token) -> Result<(), Refusal> {
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let given = given.as_bytes();
        let given = given.strip_prefix(b"Token ").or_else(|| given.strip_prefix(b"Bearer ")).unwrap_or_default();
        return if is_same(given.trim_ascii(), token.as_bytes()) { Ok(()) } else { Err(Refusal::WrongToken) };
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut ours = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    let given = ours.find(|(name, _)| *name == COOKIE).map(|(_, value)| value).ok_or(Refusal::NoToken)?;
    if is_same(given.as_bytes(), cookie_of(token).as_bytes()) { Ok(()) } else { Err(Refusal::WrongToken) }
}

/// What a page is given for a token that was right: it tells nothing of the token.
pub(super) fn cookie_of(token: &Token) -> String {
    signature(token, b"a page of headcount")
}

/// HMAC-SHA256 of a text, in hexadecimal digits.
pub(super) fn signature(key: &Token, text: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(text);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn only_names_of_this_service_are_answered() {
        let options = Options { hosts: vec!["groups.example.org".into()], ..Options::default() };
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "groups.example.org"] {
            assert_eq!(admit(&options, &headers(&[("host", host)]), "/"), Ok(()), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.7", "localhost.evil.example:8080", "", "["] {
            assert_eq!(admit(&options, &headers(&[("host", host)]), "/"), Err(Refusal::Host), "{host}");
        }
        assert_eq!(admit(&options, &HeaderMap::new(), "/"), Err(Refusal::Host));
    }

    #[test]
    fn only_its_own_page_may_send() {
        let ask = |origin: &str| {
            admit(&Options::default(), &headers(&[("host", "localhost:8080"), ("origin", origin)]), "/api/query")
        };
        assert_eq!(ask("http://localhost:8080"), Ok(()));
        for origin in ["http://localhost:8081", "https://evil.example", "null", "http://localhost:8080.evil.example"] {
            assert_eq!(ask(origin), Err(Refusal::Origin), "{origin}");
        }
    }

    #[test]
    fn a_token_is_shown_in_a_header_or_by_a_cookie_made_of_it() {
        let token = Token::new("sixteen-letters!").unwrap();
        let options = Options { token: Some(token.clone()), ..Options::default() };
        let ask = |name: &'static str, value: &str| {
            admit(&options, &headers(&[("host", "localhost"), (name, value)]), "/api/stats")
        };
        assert_eq!(ask("authorization", "Token sixteen-letters!"), Ok(()));
        assert_eq!(ask("authorization", "Bearer sixteen-letters!"), Ok(()));
        assert_eq!(ask("cookie", &format!("a=b; {COOKIE}={}", cookie_of(&token))), Ok(()));
        for (name, value) in [
            ("authorization", "Token sixteen-letters?"),
            ("authorization", "sixteen-letters!"),
            ("authorization", "Token "),
            ("cookie", "headcount=sixteen-letters!"),
        ] {
            assert_eq!(ask(name, value), Err(Refusal::WrongToken), "{name}: {value}");
        }
        assert_eq!(ask("accept", "*/*"), Err(Refusal::NoToken));
        assert_eq!(admit(&options, &headers(&[("host", "localhost")]), "/healthz"), Ok(()));
    }
}
