//! The module in an embedded Lua, against common web servers. docs/servers.md lists the results.

use mlua::Value;

use crate::support::apache::Apache;
use crate::support::asgiwebdav::AsgiWebdav;
use crate::support::copyparty::Copyparty;
use crate::support::http::Server;
use crate::support::nginx::Nginx;
use crate::support::web_server::WebServer;
use crate::support::world::World;
use crate::support::{dav_server, haproxy, lighttpd, radicale, rclone, relay, wsgidav};

/// User ids, some of them unusual, and their passwords.
const ACCOUNTS: [(&str, &str); 4] = [
    ("alice", "correct horse"),
    ("bob@example.com", "battery:staple"),
    ("jo smith", "pass phrase"),
    ("jörg", "grüß Gott"),
];

/// The configuration of a proxy that replaces Accept-Encoding, so that every answer is compressed.
const ASK_FOR_GZIP: &str = "http-request set-header Accept-Encoding gzip";

/// Creates the global `client` for a server. Returns a relay that counts the connections.
fn connect(world: &World, server: &WebServer, more: &str) -> Server {
    let relay = relay::start(server.port());
    world.run(&format!(
        "client = httpbasic.client {{ url = {:?}, ca_file = {:?},
            timeout_msecs = 20000, connect_timeout_msecs = 20000, {more} }}",
        server.url_at(relay.port),
        world.ca_file()
    ));
    relay
}

/// Asserts a verdict and returns its text.
fn expect(world: &World, word: &str, user: &str, password: &str) -> String {
    let (found, text) = world.verify(user.as_bytes(), password.as_bytes(), None);
    assert_eq!(found, word, "{user} with {password}: {text}");
    text
}

/// The path in `DAV:current-user-principal` for this user, if there is one.
fn named(world: &World, user: &str, password: &str) -> Option<String> {
    let script = format!("client:propfind({user:?}, {password:?}).principal");
    match world.lua.load(script).eval().unwrap() {
        Value::Nil => None,
        principal => Some(principal.to_string().unwrap()),
    }
}

/// Asserts what must hold for every server, whether it names the user or not.
fn tells_right_from_wrong(world: &World, server: &WebServer) {
    for principal in ["", "principal = 'any'"] {
        let _relay = connect(world, server, principal);
        for (user, password) in ACCOUNTS {
            expect(world, "ok", user, password);
            expect(world, "refused", user, "wrong");
        }
        expect(world, "refused", "bob@example.com", "correct horse");
        expect(world, "refused", "nobody", "correct horse");
    }
}

/// Asserts which principals the server names for the accounts.
fn names(world: &World, server: &WebServer, principals: [Option<&str>; 4]) {
    let _relay = connect(world, server, "");
    for ((user, password), principal) in ACCOUNTS.into_iter().zip(principals) {
        assert_eq!(named(world, user, password).as_deref(), principal);
    }
}

/// The number of connections for eight lookups with right passwords, and for eight with wrong ones.
fn connections(world: &World, server: &WebServer) -> (usize, usize) {
    let count = |word, password| {
        let relay = connect(world, server, "principal = 'any'");
        for _ in 0..8 {
            expect(world, word, "alice", password);
        }
        relay.connections()
    };
    (count("ok", "correct horse"), count("refused", "wrong"))
}

#[test]
fn radicale_names_the_user_and_closes_each_connection() {
    let world = World::new();
    let server = radicale::start(&world.ca, &ACCOUNTS);
    tells_right_from_wrong(&world, &server);
    let principals = ["/alice/", "/bob%40example.com/", "/jo%20smith/", "/j%C3%B6rg/"];
    names(&world, &server, principals.map(Some));
    assert_eq!(connections(&world, &server), (8, 8));
}

#[test]
fn radicale_behind_nginx_names_the_user_below_the_prefix() {
    let world = World::new();
    let radicale = radicale::start(&world.ca, &ACCOUNTS);
    let nginx =
        Nginx::start_in_front(&world.ca, &[], &radicale, "proxy_set_header X-Script-Name /dav;");
    tells_right_from_wrong(&world, nginx.server());
    let principals =
        ["/dav/alice/", "/dav/bob%40example.com/", "/dav/jo%20smith/", "/dav/j%C3%B6rg/"];
    names(&world, nginx.server(), principals.map(Some));
    assert_eq!(connections(&world, nginx.server()), (1, 1));
}

#[test]
fn radicale_behind_haproxy_names_the_user_and_keeps_the_connection() {
    let world = World::new();
    let radicale = radicale::start(&world.ca, &ACCOUNTS);
    let haproxy = haproxy::start(&world.ca, radicale.port(), "");
    tells_right_from_wrong(&world, &haproxy);
    let principals = ["/alice/", "/bob%40example.com/", "/jo%20smith/", "/j%C3%B6rg/"];
    names(&world, &haproxy, principals.map(Some));
    assert_eq!(connections(&world, &haproxy), (1, 1));
}

#[test]
fn wsgidav_names_no_user_and_keeps_the_connection() {
    let world = World::new();
    let server = wsgidav::start(&world.ca, &ACCOUNTS);
    tells_right_from_wrong(&world, &server);
    names(&world, &server, [None; 4]);
    assert_eq!(connections(&world, &server), (1, 1));
}

#[test]
fn rclone_names_no_user_and_keeps_the_connection() {
    let world = World::new();
    let server = rclone::start(&world.ca, &ACCOUNTS);
    tells_right_from_wrong(&world, &server);
    names(&world, &server, [None; 4]);
    assert_eq!(connections(&world, &server), (1, 1));
}

#[test]
fn lighttpd_names_no_user_and_closes_after_a_refusal() {
    let world = World::new();
    let server = lighttpd::start(&world.ca, &ACCOUNTS);
    tells_right_from_wrong(&world, &server);
    names(&world, &server, [None; 4]);
    assert_eq!(connections(&world, &server), (1, 8));
}

#[test]
fn apache_names_no_user_and_keeps_the_connection() {
    let world = World::new();
    let apache = Apache::start(&world.ca, &ACCOUNTS);
    tells_right_from_wrong(&world, apache.server());
    names(&world, apache.server(), [None; 4]);
    assert_eq!(connections(&world, apache.server()), (1, 1));
}

#[test]
fn nginx_names_no_user_and_keeps_the_connection() {
    let world = World::new();
    let nginx = Nginx::start(&world.ca, &ACCOUNTS);
    tells_right_from_wrong(&world, nginx.server());
    names(&world, nginx.server(), [None; 4]);
    assert_eq!(connections(&world, nginx.server()), (1, 1));
}

/// Two accounts, for servers that know few characters.
const TWO: [(&str, &str); 2] = [("alice", "correct horse"), ("bob@example.com", "battery:staple")];

/// The verdicts on the right password, a wrong one, an unknown user, and the password of another.
fn verdicts(world: &World, server: &WebServer, options: &str) -> [String; 4] {
    let _relay = connect(world, server, options);
    [
        ("alice", "correct horse"),
        ("alice", "wrong"),
        ("nobody", "correct horse"),
        ("bob@example.com", "correct horse"),
    ]
    .map(|(user, password)| world.verify(user.as_bytes(), password.as_bytes(), None).0)
}

const ONLY_THE_RIGHT_ONE: [&str; 4] = ["ok", "refused", "refused", "refused"];

/// The library cannot know this; httpbasic-check finds out.
#[test]
fn servers_without_authentication_accept_every_password() {
    let world = World::new();
    let radicale = radicale::start_without_authentication(&world.ca);
    assert_eq!(verdicts(&world, &radicale, ""), ["ok"; 4]);
    let apache = Apache::start_anonymous(&world.ca);
    assert_eq!(verdicts(&world, apache.server(), ""), ["ok"; 4]);
}

#[test]
fn copyparty_looks_at_the_password_alone_unless_it_has_usernames() {
    let world = World::new();
    for (usernames, expected) in
        [(false, ["ok", "refused", "ok", "ok"]), (true, ONLY_THE_RIGHT_ONE)]
    {
        let mut copyparty = Copyparty::start(&world.ca, &TWO, usernames);
        assert_eq!(verdicts(&world, copyparty.server(), ""), expected);
        copyparty.restart(&TWO[1..]);
        assert_eq!(verdicts(&world, copyparty.server(), ""), ["refused"; 4]);
    }
}

#[test]
fn asgiwebdav_accepts_basic_although_it_offers_only_digest() {
    let world = World::new();
    for is_public in [false, true] {
        let mut asgiwebdav = AsgiWebdav::start(&world.ca, &TWO, is_public);
        assert_eq!(verdicts(&world, asgiwebdav.server(), ""), ONLY_THE_RIGHT_ONE);
        let relay = connect(&world, asgiwebdav.server(), "");
        let text = expect(&world, "refused", "alice", "wrong");
        let offered = "the server offers only Digest: if nobody can log in, allow Basic";
        assert!(is_public || text.contains(offered), "{text}");
        drop(relay);
        asgiwebdav.restart(&TWO[1..]);
        assert_eq!(verdicts(&world, asgiwebdav.server(), ""), ["refused"; 4]);
    }
}

#[test]
fn a_server_on_the_crate_dav_server_names_no_user() {
    let world = World::new();
    let server = dav_server::start(&world.ca, &TWO);
    assert_eq!(verdicts(&world, &server, ""), ONLY_THE_RIGHT_ONE);
    dav_server::set_accounts(&server, &TWO[1..]);
    assert_eq!(verdicts(&world, &server, ""), ["refused"; 4]);
}

#[test]
fn subversion_answers_403_to_a_user_whose_rights_were_withdrawn() {
    let world = World::new();
    let apache = Apache::start_subversion(&world.ca, &TWO, &["alice", "bob@example.com"]);
    for options in ["", "failure_status = '401, 403'"] {
        apache.set_readers(&["alice", "bob@example.com"]);
        assert_eq!(verdicts(&world, apache.server(), options), ONLY_THE_RIGHT_ONE);
        apache.set_readers(&["bob@example.com"]);
        let withdrawn = if options.is_empty() { "unavailable" } else { "refused" };
        assert_eq!(
            verdicts(&world, apache.server(), options),
            [withdrawn, "refused", "refused", "refused"]
        );
    }
}

#[test]
fn a_server_that_accepts_only_digest_refuses_everybody_and_the_log_says_so() {
    let world = World::new();
    let apache = Apache::start_digest(&world.ca);
    let _relay = connect(&world, apache.server(), "");
    let text = expect(&world, "refused", "alice", "correct horse");
    assert!(text.contains("the server offers only Digest: if nobody can log in"), "{text}");
}

#[test]
fn an_answer_that_is_compressed_against_the_request_is_unavailable() {
    let world = World::new();
    let apache = Apache::start_compressing(&world.ca, &ACCOUNTS);
    let radicale = radicale::start(&world.ca, &ACCOUNTS);
    let haproxy = haproxy::start(&world.ca, radicale.port(), ASK_FOR_GZIP);
    for server in [apache.server(), &haproxy] {
        let _relay = connect(&world, server, "");
        let text = expect(&world, "unavailable", "alice", "correct horse");
        assert!(text.contains("Content-Encoding") && text.contains("gzip"), "{text}");
        expect(&world, "refused", "alice", "wrong");
    }
}

#[test]
fn haproxy_does_not_compress_multistatus_answers() {
    let world = World::new();
    let rclone = rclone::start(&world.ca, &ACCOUNTS);
    let haproxy = haproxy::start(&world.ca, rclone.port(), ASK_FOR_GZIP);
    tells_right_from_wrong(&world, &haproxy);
}

#[test]
fn a_principal_other_than_the_login_name_needs_domain_or_any() {
    let world = World::new();
    let radicale = radicale::start_behind_proxy(&world.ca);
    // Many proxies remove the domain.
    let cut = "auth_basic mail;
        set $name $remote_user;
        if ($remote_user ~ ^([^@]+)@) { set $name $1; }
        proxy_set_header X-Remote-User $name;
        proxy_set_header X-Script-Name /dav;";
    let nginx = Nginx::start_in_front(&world.ca, &ACCOUNTS, &radicale, cut);
    for (options, word) in [
        ("", "refused"),
        ("domain = 'example.org'", "refused"),
        ("domain = 'example.com'", "ok"),
        ("principal = 'any'", "ok"),
    ] {
        let _relay = connect(&world, nginx.server(), options);
        let text = expect(&world, word, "bob@example.com", "battery:staple");
        assert!(word == "ok" || text.contains("bob@example.com"), "{text}");
        // A login in another domain asks the server nothing.
        if !options.contains("example.org") {
            assert_eq!(named(&world, "bob@example.com", "battery:staple").unwrap(), "/dav/bob/");
        }
        expect(&world, "refused", "bob@example.com", "wrong");
        expect(&world, "ok", "alice", "correct horse");
    }
}

#[test]
fn the_domain_is_removed_for_a_server_whose_names_have_none() {
    let world = World::new();
    for server in [radicale::start(&world.ca, &ACCOUNTS), rclone::start(&world.ca, &ACCOUNTS)] {
        let _relay = connect(&world, &server, "domain = 'example.org', login_name = 'username'");
        expect(&world, "ok", "alice@example.org", "correct horse");
        expect(&world, "ok", "alice", "correct horse");
        expect(&world, "refused", "alice@example.org", "wrong");
        expect(&world, "refused", "alice@example.com", "correct horse");
        expect(&world, "refused", "bob@example.com", "battery:staple");
    }
}
