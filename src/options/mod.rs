//! The options of a client: their names, values and defaults.

pub mod url;
pub mod value;

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue, Method, header as header_names};

use self::url::Url;
use self::value::Value;
use crate::names::{self, Domains, username};
use crate::text::printable;
use crate::tls::Roots;

/// The range of timeouts, in milliseconds. Dovecot abandons a worker's lookup after 60 seconds.
const DEADLINE: RangeInclusive<u16> = 100..=55_000;

/// The range of `backoff_msecs`, in milliseconds.
const BACKOFF: RangeInclusive<u16> = 0..=60_000;

/// The maximum length of a mail domain, in bytes (RFC 1035, section 2.3.4).
const MAX_DOMAIN_BYTES: usize = 255;

/// The maximum length of the header's name and of the User-Agent, in bytes.
const MAX_HEADER_BYTES: usize = 1000;

/// The maximum number of statuses in `failure_status`.
const MAX_STATUSES: usize = 8;

/// The status that means that the server throttles its client (RFC 6585, section 4).
pub const TOO_MANY_REQUESTS: u16 = 429;

const PROPFIND: &str = "PROPFIND";

/// The option `login_name`: the name that is sent to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginName {
    /// The name that the mail client sent.
    User,
    /// The name without [`Options::domain`], which must then be one domain.
    Username,
}

const LOGIN_NAMES: [(&str, LoginName); 2] =
    [("user", LoginName::User), ("username", LoginName::Username)];

/// The option `principal`: whose password is accepted if the server names the authenticated user
/// (`DAV:current-user-principal`, RFC 5397).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Only that of the user who logs in.
    User,
    /// That of any user.
    Any,
}

const PRINCIPALS: [(&str, Principal); 2] = [("user", Principal::User), ("any", Principal::Any)];

/// The option `file_access`: which passwords are accepted, by their access to files in Nextcloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAccess {
    /// All passwords.
    Any,
    /// Only app passwords without access to files.
    None,
}

const FILE_ACCESS: [(&str, FileAccess); 2] = [("any", FileAccess::Any), ("none", FileAccess::None)];

/// The options of a client. All values are valid.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// The URL that requests are sent to. Required.
    pub url: Url,
    /// The HTTP method; default PROPFIND. PROPFIND asks for the principal and must be answered by a
    /// multistatus body. With any other method, only the status counts.
    pub method: Method,
    /// The status that means the password is right: 200 to 399, default 207.
    pub success_status: u16,
    /// The statuses that mean the password is wrong: 300 to 499 without 429, default 401.
    pub failure_status: Vec<u16>,
    /// The header for the client's address; default X-Forwarded-For. `None` sends no address.
    pub forwarded_header: Option<HeaderName>,
    /// The time limit of a whole lookup: 100 to 55000 ms, default 5000 ms.
    pub timeout: Duration,
    /// The time limit of one connection, including TLS, and also that of name resolution: 100 to
    /// 55000 ms, default 2000 ms.
    pub connect_timeout: Duration,
    /// How long an unreachable server is not retried: 0 to 60000 ms, default 2000 ms. Zero turns
    /// the back-off off. Meanwhile, lookups fail at once.
    ///
    /// Only a failure to resolve the name, to connect or to negotiate TLS counts. A missing answer
    /// does not count. Otherwise a client could block the logins of others.
    pub backoff: Duration,
    /// The trust anchors; default Mozilla's certificate authorities.
    pub roots: Roots,
    /// Whether passwords may cross a network in cleartext; default false.
    pub allow_cleartext: bool,
    /// The mail domains of the logins that are accepted. The first one is that of user names on the
    /// server that have none. Default none: logins in any domain are accepted.
    pub domain: Option<Domains>,
    /// The name that is sent; default [`LoginName::User`].
    pub login_name: LoginName,
    /// Whose password is accepted; default [`Principal::User`].
    pub principal: Principal,
    /// Which passwords are accepted, by their access to files; default [`FileAccess::Any`].
    pub file_access: FileAccess,
    /// The User-Agent header: 1 to 1000 bytes, default `httpbasic/VERSION`.
    pub user_agent: HeaderValue,
    /// Whether each request and its answer are logged; default false.
    pub debug: bool,
}

/// An option is unknown, missing, of the wrong type or out of range, or it names a file that cannot
/// be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The option's name.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.problem)
    }
}

impl std::error::Error for Error {}

/// Validates and sets the value of an option.
type Setter = fn(&mut Options, &Value) -> Result<(), String>;

/// All options except `url`, which is required.
const SETTERS: [(&str, Setter); 15] = [
    ("domain", |options, value| domains(value).map(|names| options.domain = Some(names))),
    ("login_name", |options, value| value.word(&LOGIN_NAMES).map(|name| options.login_name = name)),
    ("principal", |options, value| value.word(&PRINCIPALS).map(|who| options.principal = who)),
    ("file_access", |options, value| {
        value.word(&FILE_ACCESS).map(|files| options.file_access = files)
    }),
    ("ca_file", |options, value| ca_file(value).map(|roots| options.roots = roots)),
    ("allow_cleartext", |options, value| value.boolean().map(|yes| options.allow_cleartext = yes)),
    ("timeout_msecs", |options, value| value.msecs(DEADLINE).map(|time| options.timeout = time)),
    ("connect_timeout_msecs", |options, value| {
        value.msecs(DEADLINE).map(|time| options.connect_timeout = time)
    }),
    ("backoff_msecs", |options, value| value.msecs(BACKOFF).map(|time| options.backoff = time)),
    ("method", |options, value| method(value).map(|method| options.method = method)),
    ("success_status", |options, value| {
        value.integer(200..=399).map(|status| options.success_status = status)
    }),
    ("failure_status", |options, value| {
        failure_status(value).map(|statuses| options.failure_status = statuses)
    }),
    ("forwarded_header", |options, value| {
        header(value).map(|name| options.forwarded_header = name)
    }),
    ("user_agent", |options, value| user_agent(value).map(|name| options.user_agent = name)),
    ("debug", |options, value| value.boolean().map(|yes| options.debug = yes)),
];

impl Options {
    /// The names of all options.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ["url"].into_iter().chain(SETTERS.map(|(name, _)| name))
    }

    /// Creates options from pairs of name and value. Options that are not given have their
    /// defaults.
    ///
    /// # Errors
    /// [`Error`] for the first option that is unknown, missing or not valid.
    pub fn new(given: impl IntoIterator<Item = (String, Value)>) -> Result<Self, Error> {
        let given: Vec<_> = given.into_iter().collect();
        let url = given.iter().find(|(key, _)| key == "url");
        let (_, url) = url.ok_or_else(|| wrong("url", "is missing".into()))?;
        let url = Url::new(url).map_err(|problem| wrong("url", problem))?;
        let mut options = Self::defaults(url);
        for (key, value) in &given {
            let setter = SETTERS.iter().find(|(name, _)| name == key);
            let result = match setter {
                Some((_, set)) => set(&mut options, value),
                None if key == "url" => Ok(()),
                None => Err("is an unknown setting".into()),
            };
            result.map_err(|problem| wrong(key, problem))?;
        }
        let is_given = |option: &str| given.iter().any(|(key, _)| key == option);
        options.check(is_given).map_err(|(key, problem)| wrong(key, problem.into()))?;
        Ok(options)
    }

    fn defaults(url: Url) -> Self {
        Self {
            url,
            method: Method::from_bytes(PROPFIND.as_bytes()).expect("it is a token"),
            success_status: 207,
            failure_status: vec![401],
            forwarded_header: Some(HeaderName::from_static("x-forwarded-for")),
            timeout: Duration::from_millis(5000),
            connect_timeout: Duration::from_millis(2000),
            backoff: Duration::from_millis(2000),
            roots: Roots::Mozilla,
            allow_cleartext: false,
            domain: None,
            login_name: LoginName::User,
            principal: Principal::User,
            file_access: FileAccess::Any,
            user_agent: HeaderValue::from_static(concat!("httpbasic/", env!("CARGO_PKG_VERSION"))),
            debug: false,
        }
    }

    /// Whether the method is PROPFIND. The answer must then be a multistatus body.
    pub fn is_propfind(&self) -> bool {
        self.method.as_str() == PROPFIND
    }

    /// The name that is sent to the server for a login as `user`.
    ///
    /// # Errors
    /// Why nothing may be sent: the login is in another domain, or its name could be taken for
    /// another one.
    pub fn sent_name<'a>(&self, user: &'a [u8]) -> Result<&'a [u8], names::Error> {
        if let Some(domains) = &self.domain {
            domains.admit(user)?;
        }
        match self.login_name {
            LoginName::User => Ok(user),
            LoginName::Username => username(user),
        }
    }

    /// Whether an answer with this status needs its body to prove that the password is right.
    pub fn needs_body(&self, status: u16) -> bool {
        self.is_propfind() && status == self.success_status
    }

    /// Whether this status means that the password is wrong.
    pub fn is_failure(&self, status: u16) -> bool {
        self.failure_status.contains(&status)
    }

    /// Checks that the options fit together. `is_given` tells whether an option was given.
    fn check(&self, is_given: impl Fn(&str) -> bool) -> Result<(), (&'static str, &'static str)> {
        if !self.url.is_https() && !self.allow_cleartext && !self.url.is_loopback() {
            let problem = "must begin with https:// unless the host is loopback: passwords would \
                           cross the network in cleartext (allow_cleartext = true permits it)";
            return Err(("url", problem));
        }
        if self.is_failure(self.success_status) {
            return Err(("failure_status", "must differ from success_status"));
        }
        if self.login_name == LoginName::Username {
            // With two domains, two users would have the same name.
            match self.domain.as_ref().map(Domains::count) {
                Some(1) => {}
                None => return Err(("login_name", "\"username\" needs the option domain")),
                Some(_) => return Err(("login_name", "\"username\" needs exactly one domain")),
            }
        }
        if is_given("principal") && self.principal == Principal::User && !self.is_propfind() {
            return Err(("principal", "needs the method PROPFIND"));
        }
        if self.file_access != FileAccess::Any && !self.is_propfind() {
            return Err(("file_access", "needs the method PROPFIND"));
        }
        Ok(())
    }
}

fn wrong(key: &str, problem: String) -> Error {
    Error { key: printable(key), problem }
}

fn ca_file(value: &Value) -> Result<Roots, String> {
    Roots::from_file(value.text("the path of a PEM file")?)
}

fn method(value: &Value) -> Result<Method, String> {
    let what = "an HTTP method such as PROPFIND or GET";
    let name = value.text(what)?;
    // Methods are case-sensitive (RFC 9110, section 9.1), but no other method is spelled like this.
    let name = if name.eq_ignore_ascii_case(PROPFIND) { PROPFIND } else { name };
    Method::from_bytes(name.as_bytes()).map_err(|_| value.expected(what))
}

fn failure_status(value: &Value) -> Result<Vec<u16>, String> {
    let statuses = value.integers(300..=499, MAX_STATUSES)?;
    // Such an answer says nothing about the password.
    if statuses.contains(&TOO_MANY_REQUESTS) {
        return Err(format!("cannot contain {TOO_MANY_REQUESTS}, which is always throttled"));
    }
    Ok(statuses)
}

/// One or several mail domains, separated by a comma, by spaces or by both.
fn domains(value: &Value) -> Result<Domains, String> {
    let what = "a mail domain such as example.com, or several, separated by commas or spaces";
    let items = value.text(what)?.split(',').flat_map(|part| {
        // Without an item between two commas, this is one empty item.
        let words: Vec<_> = part.split(' ').filter(|word| !word.is_empty()).collect();
        if words.is_empty() { vec![""] } else { words }
    });
    let names: Vec<String> = items.map(String::from).collect();
    if !names.iter().all(|name| is_domain(name)) {
        return Err(value.expected(what));
    }
    for (index, name) in names.iter().enumerate() {
        if names[..index].iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(format!("names {} twice", printable(name)));
        }
    }
    Domains::new(names).ok_or_else(|| value.expected(what))
}

fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && label.chars().all(fits)
    };
    name.len() <= MAX_DOMAIN_BYTES && name.split('.').all(is_label)
}

fn header(value: &Value) -> Result<Option<HeaderName>, String> {
    let what = "the name of a header that httpbasic does not send itself, or \"\"";
    let name = value.text(what)?;
    if name.is_empty() {
        return Ok(None);
    }
    let taken = [
        header_names::ACCEPT_ENCODING,
        header_names::AUTHORIZATION,
        header_names::CONNECTION,
        header_names::CONTENT_LENGTH,
        header_names::CONTENT_TYPE,
        header_names::COOKIE,
        header_names::EXPECT,
        header_names::HOST,
        header_names::PROXY_AUTHORIZATION,
        header_names::TE,
        header_names::TRAILER,
        header_names::TRANSFER_ENCODING,
        header_names::UPGRADE,
        header_names::USER_AGENT,
        HeaderName::from_static("depth"),
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(header) if name.len() <= MAX_HEADER_BYTES && !taken.contains(&header) => {
            Ok(Some(header))
        }
        _ => Err(value.expected(what)),
    }
}

fn user_agent(value: &Value) -> Result<HeaderValue, String> {
    let what = "1 to 1000 characters of printable ASCII";
    let name = value.text(what)?;
    match HeaderValue::from_str(name) {
        Ok(header) if (1..=MAX_HEADER_BYTES).contains(&name.len()) && name.is_ascii() => Ok(header),
        _ => Err(value.expected(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Value {
        Value::String(text.into())
    }

    fn with(key: &str, value: Value) -> Result<Options, Error> {
        Options::new([("url".into(), string("https://host/dav/")), (key.into(), value)])
    }

    fn problem(key: &str, value: Value) -> String {
        with(key, value).unwrap_err().to_string()
    }

    fn url(text: &str) -> Result<Options, Error> {
        Options::new([("url".into(), string(text))])
    }

    #[test]
    fn the_defaults_are_those_of_the_readme() {
        let options = url("https://host/dav/").unwrap();
        assert_eq!(options.method, "PROPFIND");
        assert_eq!((options.success_status, options.failure_status), (207, vec![401]));
        assert_eq!(options.forwarded_header.unwrap(), "x-forwarded-for");
        assert_eq!(options.timeout, Duration::from_millis(5000));
        assert_eq!(options.connect_timeout, Duration::from_millis(2000));
        assert_eq!(options.backoff, Duration::from_millis(2000));
        assert_eq!((options.principal, options.login_name), (Principal::User, LoginName::User));
        assert_eq!(options.domain, None);
        assert_eq!(options.user_agent, concat!("httpbasic/", env!("CARGO_PKG_VERSION")));
        assert!(matches!(options.roots, Roots::Mozilla) && !options.debug);
    }

    #[test]
    fn the_path_of_ca_file_is_a_string() {
        let problem = problem("ca_file", Value::Boolean(true));
        assert_eq!(problem, "ca_file expected the path of a PEM file, got true");
    }

    #[test]
    fn an_unknown_option_is_named() {
        assert_eq!(problem("timeout", Value::Number(5000.0)), "timeout is an unknown setting");
        assert_eq!(problem("a\nb", Value::Boolean(true)), "a b is an unknown setting");
    }

    #[test]
    fn the_url_is_required() {
        assert_eq!(Options::new([]).unwrap_err().to_string(), "url is missing");
    }

    #[test]
    fn passwords_cross_the_network_in_cleartext_only_if_allowed() {
        for host in [
            "127.0.0.1:80",
            "127.1.2.3",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
            "localhost",
            "LocalHost:80",
            "localhost.",
            "ip6-localhost",
        ] {
            assert!(url(&format!("http://{host}/")).is_ok(), "{host}");
        }
        for host in ["192.0.2.1", "localhost.example.com", "[::2]", "127.0.0.1.example.com"] {
            let problem = url(&format!("http://{host}/")).unwrap_err().to_string();
            assert!(problem.contains("allow_cleartext"), "{host}: {problem}");
        }
        let allowed = [
            ("url".to_string(), string("http://192.0.2.1/")),
            ("allow_cleartext".to_string(), string("yes")),
        ];
        assert!(Options::new(allowed).is_ok());
    }

    #[test]
    fn numbers_are_whole_and_in_range_and_may_be_strings() {
        let seconds =
            |value| with("timeout_msecs", value).map(|options| options.timeout.as_millis());
        for (value, msecs) in
            [(Value::Number(100.0), 100), (Value::Number(55_000.0), 55_000), (string("5000"), 5000)]
        {
            assert_eq!(seconds(value), Ok(msecs));
        }
        for wrong in [
            Value::Number(99.0),
            Value::Number(55_001.0),
            Value::Number(1000.5),
            Value::Number(f64::NAN),
            Value::Number(f64::INFINITY),
            Value::Number(-1e300),
            Value::Boolean(true),
            Value::Other("table"),
            string(""),
            string("5s"),
            string(" 5000"),
            string("-5000"),
            string("99999999999999999999"),
        ] {
            let problem = seconds(wrong.clone()).unwrap_err().to_string();
            let expected = "timeout_msecs expected a whole number from 100 to 55000, got ";
            assert!(problem.starts_with(expected), "{wrong:?}: {problem}");
        }
        for key in ["connect_timeout_msecs", "success_status", "failure_status"] {
            assert!(problem(key, Value::Number(99.0)).starts_with(key));
        }
        for msecs in [0, 60_000] {
            let options = with("backoff_msecs", Value::Number(msecs as f64)).unwrap();
            assert_eq!(options.backoff, Duration::from_millis(msecs));
        }
        for wrong in [-1.0, 60_001.0] {
            let problem = problem("backoff_msecs", Value::Number(wrong));
            assert!(problem.contains("a whole number from 0 to 60000"), "{problem}");
        }
    }

    #[test]
    fn failure_status_may_be_a_list() {
        let statuses = |value| with("failure_status", value).map(|options| options.failure_status);
        for (value, expected) in [
            (Value::Number(403.0), &[403][..]),
            (string("401"), &[401]),
            (string("401, 403"), &[401, 403]),
            (string(" 401 ,403,404 "), &[401, 403, 404]),
            (string("300,301,302,400,401,403,404,499"), &[300, 301, 302, 400, 401, 403, 404, 499]),
        ] {
            assert_eq!(statuses(value).unwrap(), expected);
        }
        let twenty = vec!["401"; 20].join(",");
        for wrong in [
            "", ",", "401,", ",401", "401,,403", "401 401", "200", "500", "4o1", "401;403", &twenty,
        ] {
            let problem = statuses(string(wrong)).unwrap_err().to_string();
            let expected = "failure_status expected 1 to 8 whole numbers from 300 to 499, \
                            separated by commas, got ";
            assert!(problem.starts_with(expected), "{wrong}: {problem}");
        }
        let problem = statuses(Value::Other("table")).unwrap_err().to_string();
        assert!(problem.ends_with(", got a table"), "{problem}");
        for throttled in [Value::Number(429.0), string("401, 429")] {
            let problem = statuses(throttled).unwrap_err().to_string();
            let expected = "failure_status cannot contain 429, which is always throttled";
            assert_eq!(problem, expected);
        }
    }

    #[test]
    fn booleans_may_be_words() {
        for (value, expected) in [
            (Value::Boolean(true), true),
            (Value::Boolean(false), false),
            (string("yes"), true),
            (string("true"), true),
            (string("no"), false),
            (string("false"), false),
            (string("Yes"), true),
            (string("y"), true),
            (string("1"), true),
            (string("NO"), false),
        ] {
            assert_eq!(with("debug", value).unwrap().debug, expected);
        }
        // Dovecot itself does not accept the first two.
        for wrong in [string("0"), string("n"), string("on"), string(""), Value::Number(1.0)] {
            assert!(problem("debug", wrong).starts_with("debug expected true or false, got "));
        }
    }

    #[test]
    fn names_and_words_are_checked() {
        for (key, wrong) in [
            ("method", "PROP FIND"),
            ("method", ""),
            ("principal", "User"),
            ("principal", "username"),
            ("login_name", "User"),
            ("login_name", ""),
            ("domain", ""),
            ("domain", "@example.com"),
            ("domain", "bob@example.com"),
            ("domain", "example .com"),
            ("domain", ","),
            ("domain", "example.com,"),
            ("domain", ",example.com"),
            ("domain", "example.com,,example.org"),
            ("domain", "example.com, bob@example.org"),
            ("domain", "*.example.com"),
            ("domain", "example.com; example.org"),
            ("domain", "example.com."),
            ("domain", ".example.com"),
            ("domain", "example..com"),
            ("domain", "example.com/"),
            ("domain", "a\nb"),
            ("domain", &"x".repeat(256)),
            ("file_access", "no"),
            ("forwarded_header", "X Forwarded"),
            ("forwarded_header", "X:\r\nY"),
            ("forwarded_header", "authorization"),
            ("forwarded_header", "Host"),
            ("forwarded_header", "Cookie"),
            ("forwarded_header", "TE"),
            ("forwarded_header", "upgrade"),
            ("forwarded_header", "Proxy-Authorization"),
            ("forwarded_header", "Accept-Encoding"),
            ("forwarded_header", &"x".repeat(1001)),
            ("user_agent", ""),
            ("user_agent", "a\r\nX: y"),
            ("user_agent", "ä"),
            ("user_agent", &"x".repeat(1001)),
        ] {
            assert!(
                problem(key, string(wrong)).starts_with(&format!("{key} expected ")),
                "{key} {wrong}"
            );
            assert!(problem(key, Value::Number(1.0)).ends_with(", got 1"), "{key}");
        }
        assert!(with("forwarded_header", string("")).unwrap().forwarded_header.is_none());
    }

    #[test]
    fn propfind_is_propfind_in_any_case() {
        for (name, is_propfind) in
            [("PROPFIND", true), ("propfind", true), ("PropFind", true), ("get", false)]
        {
            let options = with("method", string(name)).unwrap();
            assert_eq!(options.is_propfind(), is_propfind, "{name}");
            assert_eq!(options.method, if is_propfind { "PROPFIND" } else { name });
        }
    }

    #[test]
    fn a_domain_may_be_in_any_case_and_alphabet() {
        for name in
            ["example.com", "Example.COM", "localhost", "xn--bcher-kva.example", "bücher.de"]
        {
            let domain = with("domain", string(name)).unwrap().domain.unwrap();
            assert_eq!((domain.first(), domain.count()), (name, 1));
        }
    }

    #[test]
    fn domains_are_separated_by_commas_or_spaces_and_named_once() {
        for text in
            ["example.com, example.org", "example.com,example.org", " example.com  example.org "]
        {
            let domain = with("domain", string(text)).unwrap().domain.unwrap();
            assert_eq!(domain.to_string(), "example.com, example.org", "{text}");
        }
        let twice = problem("domain", string("example.com example.org EXAMPLE.com"));
        assert_eq!(twice, "domain names EXAMPLE.com twice");
        let many: Vec<_> = (0..200).map(|number| format!("{number}.example.com")).collect();
        let domain = with("domain", string(&many.join(", "))).unwrap().domain.unwrap();
        assert_eq!(domain.count(), 200);
        assert!(domain.admit(b"bob@199.example.com").is_ok());
        assert!(problem("domain", Value::Other("table")).ends_with(", got a table"));
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        assert!(url("https://host/").is_ok());
        let problem = |pairs: [(&str, &str); 2]| {
            let url = [("url", "https://host/")];
            let pairs =
                url.into_iter().chain(pairs).map(|(key, value)| (key.into(), string(value)));
            Options::new(pairs).unwrap_err().to_string()
        };
        let same = problem([("success_status", "301"), ("failure_status", "301")]);
        assert_eq!(same, "failure_status must differ from success_status");
        let unasked = problem([("method", "GET"), ("principal", "user")]);
        assert!(unasked.starts_with("principal needs the method PROPFIND"), "{unasked}");
        assert!(
            with("method", string("GET")).is_ok(),
            "the default of principal does not contradict another method"
        );
        let nameless = problem([("login_name", "username"), ("debug", "no")]);
        assert_eq!(nameless, "login_name \"username\" needs the option domain");
        let two = problem([("login_name", "username"), ("domain", "example.com, example.org")]);
        assert_eq!(two, "login_name \"username\" needs exactly one domain");
        let unasked = problem([("method", "GET"), ("file_access", "none")]);
        assert!(unasked.starts_with("file_access needs the method PROPFIND"), "{unasked}");
    }
}
