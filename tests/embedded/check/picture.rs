//! The picture in docs/troubleshooting.md: what the program shows at a terminal, in an SVG.
//!
//! `make pictures` draws it anew; the test fails when the program says something else.

use std::fmt::Write;
use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use super::mounted::Mounted;
use crate::support::alone::is_alone;
use crate::support::checker::USER;
use crate::support::http::{Server, configuration, listener};
use crate::support::names::{self, Answer, HOST, NAMESPACES, Names};
use crate::support::pty::Pty;
use crate::support::recording;

const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/check.svg");

const COLUMNS: u16 = 84;

const NAME: &str = "check::picture::the_picture_shows_what_the_program_says";

#[test]
fn the_picture_shows_what_the_program_says() {
    if !names::are_available() || !is_alone(NAME, NAMESPACES) {
        return;
    }
    let drawn = draw(&run());
    if std::env::var_os("DRAW_PICTURES").is_some() {
        fs::write(PICTURE, &drawn).unwrap();
    }
    let committed = fs::read_to_string(PICTURE).unwrap();
    assert_eq!(words(&committed), words(&drawn), "`make pictures` draws it anew");
}

/// What a terminal shows of a login with a password that a Nextcloud refuses.
fn run() -> String {
    let mounted = Mounted::new();
    let lua = "/etc/dovecot/lua";
    let mount = |arguments: &[&str]| {
        assert!(Command::new("mount").args(arguments).status().unwrap().success());
    };
    // Visible in this namespace only.
    mount(&["-t", "tmpfs", "tmpfs", "/etc/dovecot"]);
    fs::create_dir(lua).unwrap();
    mount(&["--bind", mounted.path().to_str().unwrap(), lua]);
    let _names = Names::start(Answer::Addresses(vec![Ipv4Addr::LOCALHOST]));
    mounted.set_options(&format!(
        "url = 'https://{HOST}/remote.php/dav/', ca_file = '{lua}/ca.pem', \
         cache_key_has_password = true,"
    ));
    mounted.set_package("1:2.3.19.1+dfsg1-2.1+deb12u7");
    mounted.set_doveconf(&format!(
        "cat <<'E'\n# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf\nauth_cache_size = 10 M\n\
         auth_verbose = yes\npassdb {{\n  args = file={lua}/auth-httpbasic.lua blocking=yes \
         cache_key=%u:%{{sha256;rounds=100,salt=0f1e2d3c:password}}\n  driver = lua\n}}\nE"
    ));
    let left = Duration::from_secs((61 * 24 + 12) * 3600);
    let identity = mounted.ca.issue_for(&[HOST], Duration::ZERO, left);
    let tls = configuration(&identity, rustls::ALL_VERSIONS);
    let _server = Server::raw(listener(443), move |stream, log| {
        log.serve_secured(stream, &tls, &|stream, next_request| {
            while let Some(request) = next_request(stream) {
                let is_anonymous = request.header("authorization").is_none();
                let name = if is_anonymous { "no-credentials" } else { "wrong-password" };
                if stream.write_all(&recording::answer("34", name)).is_err() {
                    return;
                }
            }
        });
    });
    let mut command = Command::new(format!("{lua}/httpbasic-check"));
    command.args(["--user", USER]).env("PATH", lua).env("TERM", "xterm").env_remove("NO_COLOR");
    let mut pty = Pty::start(&command, COLUMNS);
    pty.wait_for("Password of ");
    pty.wait_for_echo(false);
    pty.send("not an app password\n");
    assert_eq!(pty.end(), 1);
    pty.shown()
}

/// The lines of a terminal on a background of their own, which looks the same on light and dark pages.
fn draw(shown: &str) -> String {
    const LINE: usize = 19;
    let shown = shown.replace("\r\n", "\n");
    let lines: Vec<_> = shown.trim_end().split('\n').collect();
    let (width, height) = (usize::from(COLUMNS) * 8 + 32, lines.len() * LINE + 28);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>httpbasic-check finds that a password is refused</title>\n<style>\n\
         text {{ font: 13px ui-monospace, 'DejaVu Sans Mono', monospace; fill: #e6edf3; \
         white-space: pre }}\n.c2 {{ fill: #8b949e }}\n.c31 {{ fill: #ff7b72 }}\n\
         .c32 {{ fill: #56d364 }}\n.c33 {{ fill: #e3b341 }}\n</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#161b22\"/>\n"
    );
    for (index, line) in lines.into_iter().enumerate() {
        // The end of a step replaces the line that was shown meanwhile.
        let line = line.rsplit("\r\u{1b}[K").next().unwrap();
        let mut parts = line.split("\u{1b}[");
        let mut text = escape(parts.next().unwrap());
        for part in parts {
            let (colour, rest) = part.split_once('m').unwrap();
            match colour {
                "0" => text.push_str(&escape(rest)),
                _ => {
                    write!(text, "<tspan class=\"c{colour}\">{}</tspan>", escape(rest)).unwrap();
                }
            }
        }
        let top = 26 + index * LINE;
        writeln!(svg, "<text x=\"16\" y=\"{top}\" xml:space=\"preserve\">{text}</text>").unwrap();
    }
    svg + "</svg>\n"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The words of a picture, without numbers: times differ from run to run, and so do line breaks.
fn words(svg: &str) -> Vec<String> {
    let body = svg.split_once("</style>").unwrap().1;
    let text: String = body.split('<').filter_map(|it| it.split_once('>')).map(|it| it.1).collect();
    let text = text.replace(|c: char| c.is_ascii_digit(), "");
    text.split_whitespace().map(String::from).collect()
}
