//! An answer as it comes over the wire (RFC 9112): where its head and its body end.

use std::io::{self, BufRead, Read};
use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Response as Answer};

use crate::error::Error;

/// The most that an answer's head may have, in bytes; a Nextcloud's has 2000 to 3000.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// The most header lines that it may have.
const MAX_HEADERS: usize = 128;

/// The most that is read of a body, in bytes.
const MAX_BODY_BYTES: usize = 64 << 10;

/// The most that a line between chunks may have, in bytes.
const MAX_LINE_BYTES: usize = 8 << 10;

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// The status, 200 to 999.
    pub status: u16,
    /// Whether the connection takes another request after the body.
    pub keeps: bool,
    body: Length,
}

/// How long a body is (RFC 9112, section 6.3).
#[derive(Debug, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
    UntilEnd,
}

impl Head {
    /// Reads the head of the answer to a request with this method. Interim answers before it (1xx)
    /// are skipped.
    ///
    /// # Errors
    /// Those of `input`, and [`Error::Protocol`] wrapped.
    pub fn read(input: &mut impl BufRead, method: &str) -> io::Result<Self> {
        loop {
            let head = Self::parse(&lines(input)?, method)?;
            match head.status {
                0..100 => return Err(wrong(format!("the status {} is none", head.status))),
                101 => return Err(wrong("the server switches protocols, unasked")),
                100..200 => {}
                _ => return Ok(head),
            }
        }
    }

    fn parse(lines: &[u8], method: &str) -> io::Result<Self> {
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut answer = Answer::new(&mut []);
        match ParserConfig::default().parse_response_with_uninit_headers(
            &mut answer,
            lines,
            &mut headers,
        ) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(wrong("the answer's head is empty")),
            Err(problem) => return Err(not_http(problem)),
        }
        let (status, is_1_1) = (answer.code.unwrap_or_default(), answer.version == Some(1));
        let has_no_body = method == "HEAD" || matches!(status, 100..200 | 204 | 304);
        let body = if has_no_body { Length::Known(0) } else { length(answer.headers, is_1_1)? };
        let closes =
            items(answer.headers, "connection").any(|item| item.eq_ignore_ascii_case(b"close"));
        Ok(Self { status, keeps: is_1_1 && !closes && body != Length::UntilEnd, body })
    }

    /// Reads the body that belongs to it.
    ///
    /// # Errors
    /// Those of `input`, and [`Error::Protocol`] wrapped, also when the body is longer than 64 KiB.
    pub fn read_body(&self, input: &mut impl BufRead) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        match self.body {
            Length::Known(length) => append(&mut body, length, input)?,
            Length::Chunked => {
                while let size @ 1.. = chunk_size(&line(input)?)? {
                    append(&mut body, size, input)?;
                    if !line(input)?.trim_ascii().is_empty() {
                        return Err(wrong("a chunk is longer than it says"));
                    }
                }
                // Trailers, of which none is wanted.
                while !line(input)?.trim_ascii().is_empty() {}
            }
            Length::UntilEnd => {
                input.take(MAX_BODY_BYTES as u64 + 1).read_to_end(&mut body)?;
                check_size(body.len())?;
            }
        }
        Ok(body)
    }
}

/// The lines of a head, with the empty one at its end. The first is looked at as soon as it is
/// there, since others than web servers say a line, too, and then wait.
fn lines(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut input = input.take(MAX_HEAD_BYTES as u64);
    let mut lines = Vec::with_capacity(512);
    while !lines.ends_with(b"\n\r\n") && !lines.ends_with(b"\n\n") {
        let is_first = lines.is_empty();
        let amount = input.read_until(b'\n', &mut lines)?;
        if amount == 0 || !lines.ends_with(b"\n") {
            return Err(match input.limit() {
                0 => wrong("the answer's head is longer than 32 KiB"),
                _ => io::ErrorKind::UnexpectedEof.into(),
            });
        }
        if is_first {
            Answer::new(&mut []).parse(&lines).map_err(not_http)?;
        }
    }
    Ok(lines)
}

fn length(headers: &[Header], is_1_1: bool) -> io::Result<Length> {
    let mut codings = items(headers, "transfer-encoding");
    if let Some(coding) = codings.next() {
        let is_known = coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        // Who announces a length as well may be understood otherwise by a proxy in between.
        let is_clear = is_1_1 && items(headers, "content-length").next().is_none();
        return match is_known && is_clear {
            true => Ok(Length::Chunked),
            false => Err(wrong("the answer's Transfer-Encoding is not to be relied upon")),
        };
    }
    let mut lengths = items(headers, "content-length");
    let Some(length) = lengths.next() else {
        return Ok(Length::UntilEnd);
    };
    let number =
        std::str::from_utf8(length).ok().filter(|text| text.bytes().all(|c| c.is_ascii_digit()));
    match number.and_then(|number| number.parse().ok()) {
        Some(number) if lengths.all(|other| other == length) => Ok(Length::Known(number)),
        _ => Err(wrong("the answer's Content-Length is no number")),
    }
}

/// The items of a header's list; header lines of the same name make one list (RFC 9110, section 5.3).
fn items<'a>(headers: &'a [Header], name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .flat_map(|header| header.value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

/// A line between chunks.
fn line(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)?;
    match line.ends_with(b"\n") {
        true => Ok(line),
        false if line.len() == MAX_LINE_BYTES => Err(wrong("a line between chunks has no end")),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn chunk_size(line: &[u8]) -> io::Result<usize> {
    match httparse::parse_chunk_size(line) {
        Ok(httparse::Status::Complete((_, size))) => {
            Ok(usize::try_from(size).unwrap_or(usize::MAX))
        }
        _ => Err(wrong("the answer has a chunk without a size")),
    }
}

/// Reads as many bytes more of a body.
fn append(body: &mut Vec<u8>, amount: usize, input: &mut impl BufRead) -> io::Result<()> {
    let start = body.len();
    let size = start.saturating_add(amount);
    check_size(size)?;
    body.resize(size, 0);
    input.read_exact(&mut body[start..])
}

fn check_size(size: usize) -> io::Result<()> {
    match size {
        0..=MAX_BODY_BYTES => Ok(()),
        _ => Err(wrong("the answer's body is longer than 64 KiB")),
    }
}

fn not_http(problem: httparse::Error) -> io::Error {
    wrong(format!("the server does not speak HTTP/1.1 ({problem})"))
}

fn wrong(problem: impl Into<String>) -> io::Error {
    io::Error::other(Error::Protocol(problem.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status, the body and whether the connection is kept, of an answer that is followed by `rest`.
    fn read(text: &str, method: &str, rest: &str) -> Result<(u16, String, bool), String> {
        let whole = format!("{text}{rest}");
        let mut input = whole.as_bytes();
        let answer = Head::read(&mut input, method)
            .and_then(|head| head.read_body(&mut input).map(|body| (head, body)));
        let (head, body) = answer.map_err(|problem| problem.to_string())?;
        if head.body != Length::UntilEnd {
            assert_eq!(input, rest.as_bytes(), "{text:?}: nothing more is read");
        }
        Ok((head.status, String::from_utf8(body).unwrap(), head.keeps))
    }

    fn answer(headers: &str, body: &str) -> String {
        format!("HTTP/1.1 207 Multi-Status\r\n{headers}\r\n{body}")
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        for (headers, body, expected, keeps) in [
            ("Content-Length: 5\r\n", "hello", "hello", true),
            ("content-length:5\r\n", "hello", "hello", true),
            ("Content-Length: 5, 5\r\nContent-Length: 5\r\n", "hello", "hello", true),
            ("Content-Length: 0\r\n", "", "", true),
            ("Content-Length: 5\r\nConnection: Close\r\n", "hello", "hello", false),
            ("Content-Length: 5\r\nConnection: x, close\r\n", "hello", "hello", false),
            ("Content-Length: 5\r\nConnection: keep-alive\r\n", "hello", "hello", true),
            ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello", true),
            (
                "Transfer-Encoding: CHUNKED\r\n",
                "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
                "hello",
                true,
            ),
            ("", "hello", "hello", false),
        ] {
            let rest = if headers.is_empty() { "" } else { "HTTP/1.1 200" };
            let read = read(&answer(headers, body), "GET", rest);
            assert_eq!(read, Ok((207, expected.into(), keeps)), "{headers:?}");
        }
    }

    #[test]
    fn some_answers_have_no_body_whatever_their_head_says() {
        let head = |status| format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n");
        for (status, method) in [(204, "PROPFIND"), (304, "PROPFIND"), (200, "HEAD")] {
            assert_eq!(read(&head(status), method, "hello"), Ok((status, String::new(), true)));
        }
    }

    #[test]
    fn interim_answers_are_skipped() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let text = format!("{interim}{}", answer("Content-Length: 2\r\n", "ok"));
        assert_eq!(read(&text, "GET", ""), Ok((207, "ok".into(), true)));
        let problem = read("HTTP/1.1 101 Switching Protocols\r\n\r\n", "GET", "").unwrap_err();
        assert!(problem.contains("switches protocols"), "{problem}");
    }

    #[test]
    fn an_old_server_keeps_no_connection() {
        let text = "HTTP/1.0 207 X\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(read(text, "GET", ""), Ok((207, "ok".into(), false)));
    }

    #[test]
    fn what_is_not_clear_is_an_error() {
        let (long, number) = ("x".repeat(MAX_BODY_BYTES + 1), MAX_BODY_BYTES + 1);
        let headers = "X: y\r\n".repeat(MAX_HEADERS + 1);
        for (text, expected) in [
            ("220 smtp.example.com ESMTP\r\n".into(), "does not speak HTTP/1.1"),
            ("HTTP/2 207\r\n\r\n".into(), "does not speak HTTP/1.1"),
            ("HTTP/1.1 2070 X\r\n\r\n".into(), "does not speak HTTP/1.1"),
            ("HTTP/1.1 007 X\r\n\r\n".into(), "the status 7 is none"),
            ("\r\n\r\n".into(), "head is empty"),
            (String::new(), "unexpected end of file"),
            ("HTTP/1.1 207 X\r\nA: b\r\n".into(), "unexpected end of file"),
            (answer("No colon\r\n", ""), "does not speak HTTP/1.1"),
            (answer(&headers, ""), "too many headers"),
            (answer(&format!("X: {long}\r\n"), ""), "head is longer than 32 KiB"),
            (answer("Content-Length: -1\r\n", ""), "Content-Length"),
            (answer("Content-Length: +1\r\n", "x"), "Content-Length"),
            (answer("Content-Length: \r\n", ""), "Content-Length"),
            (answer("Content-Length: 1\r\nContent-Length: 2\r\n", "xy"), "Content-Length"),
            (answer("Content-Length: 99999999999999999999\r\n", ""), "Content-Length"),
            (answer(&format!("Content-Length: {number}\r\n"), &long), "longer than 64 KiB"),
            (answer("Content-Length: 5\r\n", "hell"), "failed to fill whole buffer"),
            (answer("", &long), "longer than 64 KiB"),
            (answer("Transfer-Encoding: gzip, chunked\r\n", ""), "Transfer-Encoding"),
            (
                answer("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "0\r\n\r\n"),
                "Transfer-Encoding",
            ),
            (
                answer("Transfer-Encoding: chunked\r\n", "0\r\n\r\n").replace("1.1", "1.0"),
                "Transfer-Encoding",
            ),
            (answer("Transfer-Encoding: chunked\r\n", "zz\r\n"), "without a size"),
            (answer("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n"), "64 KiB"),
            (answer("Transfer-Encoding: chunked\r\n", "11111111111111111\r\n"), "without a size"),
            (answer("Transfer-Encoding: chunked\r\n", "1\r\nxy\r\n"), "longer than it says"),
            (answer("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n"), "unexpected end of file"),
            (answer("Transfer-Encoding: chunked\r\n", &long), "has no end"),
        ] {
            let problem = read(&text, "GET", "").unwrap_err();
            assert!(problem.contains(expected), "{text:.60?}: {problem}");
        }
    }
}
