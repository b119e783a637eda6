//! Compares lbase64's functions with a straightforward reference, for random alphabets and texts.
//! The random numbers are the same in every run.

use std::collections::BTreeMap;

use mlua::{Function, Lua, Table, Value};

use crate::support::embedded;

const CASES: usize = 20_000;
const STANDARD: &[u8; 65] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

/// An encoder or a decoder.
type Entries = BTreeMap<u8, i64>;

/// A call of `encode` or `decode`.
#[derive(Debug)]
struct Case {
    function: &'static str,
    text: Vec<u8>,
    entries: Entries,
    /// Whether the table is passed. Without it, the default alphabet is used.
    custom: bool,
}

/// A xorshift generator.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// The bytes of the values 0 to 64.
    fn alphabet(&mut self) -> Vec<u8> {
        let mut alphabet: Vec<u8> = match self.below(4) {
            // Without zero, because it ends a pattern in Lua 5.1.
            0 => (1..=255).collect(),
            _ => STANDARD[..64].to_vec(),
        };
        if self.one_in(2) {
            for place in (1..alphabet.len()).rev() {
                alphabet.swap(place, self.below(place + 1));
            }
        } else {
            alphabet[62] = b"+-.!%^] \xff"[self.below(9)];
            alphabet[63] = b"/_,~$[*\n\x80"[self.below(9)];
        }
        alphabet.truncate(64);
        alphabet.push(if self.one_in(3) { b'.' } else { b'=' });
        alphabet
    }

    fn case(&mut self) -> Case {
        let custom = !self.one_in(4);
        let alphabet = if custom { self.alphabet() } else { STANDARD.to_vec() };
        let function = ["encode", "decode"][self.below(2)];
        let mut text: Vec<u8> = (0..self.below(40)).map(|_| self.below(256) as u8).collect();
        let mut entries: Entries = (0..).zip(alphabet.iter().map(|&byte| byte.into())).collect();
        if function == "decode" {
            if !self.one_in(5) {
                text = encode(&text, &entries).unwrap();
            }
            for _ in 0..self.below(3) {
                let byte = [b'=', b'\n', b'A', self.below(256) as u8][self.below(4)];
                text.insert(self.below(text.len() + 1), byte);
            }
            text.extend(vec![b'='; self.below(12).saturating_sub(8)]);
            entries = alphabet.into_iter().zip(0..).collect();
        }
        if custom && self.one_in(4) {
            let keys: Vec<u8> = entries.keys().copied().collect();
            entries.remove(&keys[self.below(keys.len())]);
            entries.insert(keys[self.below(keys.len())], self.below(1 << 26) as i64 - (1 << 25));
        }
        Case { function, text, entries, custom }
    }
}

/// Encodes bit by bit.
fn encode(text: &[u8], encoder: &Entries) -> Option<Vec<u8>> {
    let mut bits: String = text.iter().map(|byte| format!("{byte:08b}")).collect();
    while bits.len() % 6 != 0 {
        bits.push('0');
    }
    let value = |place| u8::from_str_radix(&bits[place..place + 6], 2).unwrap();
    let mut values: Vec<u8> = (0..bits.len()).step_by(6).map(value).collect();
    while values.len() % 4 != 0 {
        values.push(64);
    }
    values.iter().map(|value| u8::try_from(*encoder.get(value)?).ok()).collect()
}

/// Decodes by arithmetic. Lua's patterns decide which characters count.
fn decode(text: &[u8], decoder: &Entries, lua: &Lua) -> Option<Vec<u8>> {
    let byte = |value| decoder.iter().find(|entry| *entry.1 == value).map(|entry| *entry.0);
    let class = [b"[%w=%", &[byte(62)?][..], b"%", &[byte(63)?], b"]"].concat();
    let class = lua.create_string(class).unwrap();
    let find: Function = lua.load("string.find").eval().unwrap();
    let counts = |byte: &u8| {
        let character = lua.create_string([*byte]).unwrap();
        find.call::<Option<usize>>((character, &class)).unwrap().is_some()
    };
    let kept: Vec<u8> = text.iter().copied().filter(counts).collect();
    let (groups, tail) = match &kept[..] {
        [groups @ .., a, b, b'=', b'='] => (groups.len(), vec![*a, *b]),
        [groups @ .., a, b, c, b'='] => (groups.len(), vec![*a, *b, *c]),
        [.., b'='] => return None,
        all => (all.len(), vec![]),
    };
    let octets = |group: &[u8]| {
        let mut number = 0;
        for (byte, weight) in group.iter().zip([1 << 18, 1 << 12, 1 << 6, 1]) {
            number += decoder.get(byte)? * weight;
        }
        Some([16, 8, 0].map(|places| (number >> places) as u8))
    };
    let mut decoded = Vec::new();
    for start in (0..groups).step_by(4) {
        decoded.extend(octets(kept.get(start..start + 4)?)?);
    }
    decoded.extend(&octets(&tail)?[..tail.len().saturating_sub(1)]);
    Some(decoded)
}

/// The result of a table of lbase64's functions; `None` for an error.
fn answer(lua: &Lua, base64: &Table, case: &Case) -> Option<Vec<u8>> {
    let function: Function = base64.get(case.function).unwrap();
    let table = || lua.create_table_from(case.entries.clone()).unwrap();
    let coder = if case.custom { Value::Table(table()) } else { Value::Nil };
    let text = lua.create_string(&case.text).unwrap();
    let answer = function.call::<mlua::String>((text, coder)).ok()?;
    Some(answer.as_bytes().to_vec())
}

/// Compares our results with those of `expected`, and returns the number of errors.
fn compare(lua: &Lua, expected: impl Fn(&Case) -> Option<Vec<u8>>) -> usize {
    let base64 = embedded::base64(lua);
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let mut errors = 0;
    for _ in 0..CASES {
        let case = chance.case();
        let expected = expected(&case);
        errors += usize::from(expected.is_none());
        assert_eq!(answer(lua, &base64, &case), expected, "{case:?}");
    }
    errors
}

#[test]
fn the_reference_returns_the_same() {
    let lua = Lua::new();
    let errors = compare(&lua, |case| match case.function {
        "encode" => encode(&case.text, &case.entries),
        _ => decode(&case.text, &case.entries, &lua),
    });
    assert!((CASES / 10..CASES / 2).contains(&errors), "{errors} errors are too one-sided");
}

#[test]
#[ignore = "LBASE64 must name the original's base64.lua"]
fn the_original_returns_the_same() {
    let lua = Lua::new();
    let path = std::env::var("LBASE64").expect("LBASE64 must name the original's base64.lua");
    let original: Table = lua.load(std::fs::read_to_string(path).unwrap()).eval().unwrap();
    compare(&lua, |case| answer(&lua, &original, case));
}

#[test]
fn every_text_survives_encoding_and_decoding_in_every_alphabet() {
    let script = r"
        local text = ''
        for byte = 0, 255 do
            text = text .. string.char(byte)
        end
        local count = 0
        for s62 in (' !#$%&()*+,-./:;<>?@[\\]^_`{|}~'):gmatch('.') do
            for s63 in ('\1\n\r\31!#%-/_^]~\127\128\255'):gmatch('.') do
                if s62 ~= s63 then
                    local e, d = base64.makeencoder(s62, s63), base64.makedecoder(s62, s63)
                    for length = 0, 256, 17 do
                        local part = text:sub(-length - 1, -2)
                        assert(base64.decode(base64.encode(part, e), d) == part)
                        count = count + 1
                    end
                end
            end
        end
        return count";
    let lua = Lua::new();
    lua.globals().set("base64", embedded::base64(&lua)).unwrap();
    let count: usize = lua.load(script).eval().unwrap();
    assert_eq!(count, (30 * 16 - 9) * 16);
}
