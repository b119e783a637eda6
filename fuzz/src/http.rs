//! Reads answers of HTTP/1.1 (RFC 9112), slowly and without a library.

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// `None` if it is not complete, or if its length is ambiguous.
    pub body: Option<Vec<u8>>,
    /// Whether its length is known although the connection stays open.
    pub has_length: bool,
}

/// The first final answer, if its head is complete.
pub fn read(mut bytes: &[u8]) -> Option<Answer> {
    loop {
        while let [b'\r' | b'\n', rest @ ..] = bytes {
            bytes = rest;
        }
        let status_line;
        (status_line, bytes) = line(bytes)?;
        let status = status(status_line)?;
        let (mut codings, mut lengths) = (vec![], vec![]);
        loop {
            let field;
            (field, bytes) = line(bytes)?;
            if field.is_empty() {
                break;
            }
            let (name, value) = field.split_at(field.iter().position(|byte| *byte == b':')?);
            let value = value[1..].trim_ascii();
            if name.eq_ignore_ascii_case(b"transfer-encoding") {
                codings.push(value);
            } else if name.eq_ignore_ascii_case(b"content-length") {
                lengths.push(number(value, 10)?);
            }
        }
        if (100..200).contains(&status) {
            continue;
        }
        let is_empty = [204, 304].contains(&status);
        lengths.dedup();
        let body = match (&codings[..], &lengths[..]) {
            _ if is_empty => Some(vec![]),
            ([], []) => Some(bytes.to_vec()),
            ([], [length]) => bytes.get(..*length).map(<[u8]>::to_vec),
            ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => chunks(bytes),
            _ => None,
        };
        let has_length = is_empty || codings.len() + lengths.len() > 0;
        return Some(Answer { status, body, has_length });
    }
}

fn status(line: &[u8]) -> Option<u16> {
    let code = line.strip_prefix(b"HTTP/1.1 ").or(line.strip_prefix(b"HTTP/1.0 "))?;
    let (code, rest) = code.split_at_checked(3)?;
    let is_code = code.iter().all(u8::is_ascii_digit) && matches!(rest, [] | [b' ', ..]);
    if is_code { number(code, 10).and_then(|code| u16::try_from(code).ok()) } else { None }
}

/// The first line without its end, and what follows.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &bytes[end + 1..]))
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

fn chunks(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = vec![];
    loop {
        let head;
        (head, bytes) = line(bytes)?;
        let size = head.split(|byte| *byte == b';').next()?.trim_ascii();
        let size = number(size, 16)?;
        if size == 0 {
            break;
        }
        let (data, rest) = bytes.split_at_checked(size)?;
        body.extend(data);
        bytes = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n"))?;
    }
    loop {
        let field;
        (field, bytes) = line(bytes)?;
        if field.is_empty() {
            return Some(body);
        }
    }
}
