//! lbase64's functions in an embedded Lua.

use mlua::{Function, Lua, MultiValue, Table};

use crate::support::embedded;

fn lua() -> Lua {
    let lua = Lua::new();
    lua.globals().set("base64", embedded::base64(&lua)).unwrap();
    lua
}

fn run(lua: &Lua, script: &str) -> mlua::Result<MultiValue> {
    lua.load(script).set_name("@script.lua").eval()
}

#[test]
fn every_result_is_that_of_the_original() {
    let lua = lua();
    let check = lua.load(include_str!("../vectors/lbase64.lua")).set_name("@lbase64.lua");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/lbase64.tsv");
    let base64: Table = lua.globals().get("base64").unwrap();
    let count: usize = check.call((base64, path)).unwrap();
    assert_eq!(count, 1214);
}

#[test]
fn a_wrong_argument_is_named_in_a_string_with_the_position() {
    let cases = [
        ("encode()", "#1", "string expected, got no value"),
        ("encode(nil)", "#1", "string expected, got nil"),
        ("encode(42)", "#1", "string expected, got number"),
        ("encode({})", "#1", "string expected, got table"),
        ("encode('', 'x')", "#2", "table expected, got string"),
        ("encode('', 1)", "#2", "table expected, got number"),
        ("encode('a', {})", "#2", "the encoder has no byte for value 24"),
        ("encode('a', { [24] = 'Y' })", "#2", "the encoder has no byte for value 24"),
        ("encode('a', { [24] = '89' })", "#2", "the encoder has no byte for value 24"),
        ("encode('a', { [24] = 256 })", "#2", "the encoder has no byte for value 24"),
        ("encode('a', { [24] = -1 })", "#2", "the encoder has no byte for value 24"),
        ("encode('a', { [24] = 89.5 })", "#2", "the encoder has no byte for value 24"),
        ("encode('a', makeencoder(nil, nil, ''))", "#2", "the encoder has no byte for value 64"),
        ("decode()", "#1", "string expected, got no value"),
        ("decode(1234)", "#1", "string expected, got number"),
        ("decode('', true)", "#2", "table expected, got boolean"),
        ("decode('', {})", "#2", "the decoder has no byte for value 62"),
        ("decode('', { ['+'] = 62, ['/'] = 63 })", "#2", "the decoder has no byte for value 62"),
        ("decode('', { [43] = 62 })", "#2", "the decoder has no byte for value 63"),
        ("decode('', { [43] = 62, [256] = 63 })", "#2", "the decoder has no byte for value 63"),
        ("decode('A+/+', { [43] = 62, [47] = 63 })", "#2", "the decoder has no value for byte 65"),
        ("decode('YWJ')", "#1", "its last group of four is incomplete"),
        ("decode('YQ=')", "#1", "its last group of four is incomplete"),
        ("makeencoder(1)", "#1", "string expected, got number"),
        ("makeencoder('-', {})", "#2", "string expected, got table"),
        ("makedecoder('-', '_', 0)", "#3", "string expected, got number"),
    ];
    let lua = lua();
    run(&lua, "for name, call in pairs(base64) do _G[name] = call end").unwrap();
    for (call, argument, reason) in cases {
        let (name, _) = call.split_once('(').unwrap();
        let script = format!("local ok, err = pcall(function()\n{call}\nend) return err");
        let error: String = lua.load(&script).set_name("@script.lua").eval().expect(call);
        let expected = format!("script.lua:2: bad argument {argument} to '{name}' ({reason})");
        assert_eq!(error, expected, "{call}");
    }
}

#[test]
fn tables_may_come_from_anywhere() {
    let script = "
        local text, e, d = 'ma\\255\\254\\253n', {}, {}
        -- Made by hand, without padding, and with superfluous entries.
        for value = 0, 63 do
            local byte = 33 + value
            e[value], d[byte] = byte, value
        end
        e[-1], e[65], e.name, d[300], d.name, d[1.5] = 1, {}, 'e', 5, 'd', 0
        assert(base64.encode('man', e) == '<7&O')
        assert(base64.decode('A<B_`', d) == '\\130\\31\\191')

        -- Entries that come from another table through __index.
        e = setmetatable({ [62] = 45, [63] = 95 }, { __index = base64.makeencoder() })
        d = setmetatable({ [45] = 62, [95] = 63 }, { __index = base64.makedecoder() })
        assert(base64.encode(text, e) == 'bWH__v1u')
        assert(base64.decode('bWH__v1u', d) == text)

        -- Two characters for one value, floats with integer values, and a value with many bits.
        d = base64.makedecoder()
        d[97], d[98] = 0, 27.0
        assert(base64.decode('aaaa', d) == '\\0\\0\\0' and base64.decode('bWFu', d) == 'man')
        d[65] = 2 ^ 24 + 27
        assert(base64.decode('AWFu', d) == 'man')
        d[65] = -37
        assert(base64.decode('AWFu', d) == 'man')
    ";
    run(&lua(), script).unwrap();
}

#[test]
fn false_counts_as_a_missing_argument_and_extra_arguments_are_ignored() {
    let script = "
        assert(base64.encode('man', false, true, 1, 2, 3) == 'bWFu')
        assert(base64.decode('bWFu', false, {}, 1, 2, 3) == 'man')
        assert(base64.makeencoder(false, nil, false, {})[62] == 43)
        assert(base64.makedecoder('-long', '_')[45] == 62)
        assert(base64.makeencoder('', '_')[62] == nil)
        assert(select('#', base64.encode('')) == 1 and select('#', base64.decode('')) == 1)
    ";
    run(&lua(), script).unwrap();
}

#[test]
fn characters_of_another_alphabet_are_skipped() {
    let script = "
        local url_safe = base64.makedecoder('-', '_')
        assert(base64.decode('bWFu++//', url_safe) == 'man')
        assert(base64.decode('-bW_Fu') == 'man')
    ";
    run(&lua(), script).unwrap();
}

#[test]
fn if_two_values_have_one_character_the_last_wins_and_0_is_the_last() {
    let script = "
        local d = base64.makedecoder('A', 'B', 'B')
        assert(d[65] == 0 and d[66] == 64 and d[67] == 2)
    ";
    run(&lua(), script).unwrap();
}

#[test]
fn a_letter_for_62_stands_for_a_character_class() {
    let script = "
        local text = ''
        for byte = 0, 255 do
            text = text .. string.char(byte):rep(4)
        end
        for s62 = 1, 255 do
            local d, count = {}, 0
            for byte = 0, 255 do
                d[byte] = 0
                local counts = string.char(byte):find('[%w=~%' .. string.char(s62) .. ']')
                count = count + (counts and 1 or 0)
            end
            d[s62], d[126] = 62, 63
            if s62 ~= 126 then
                assert(#base64.decode(text, d) == 3 * count, s62)
            end
        end
    ";
    run(&lua(), script).unwrap();
}

#[test]
fn an_error_of_a_metamethod_is_passed_on() {
    let script = "
        local bad = setmetatable({ [43] = 62, [47] = 63 }, { __index = function() error({}) end })
        for _, name in ipairs({ 'encode', 'decode' }) do
            local ok, err = pcall(base64[name], 'abcd', bad)
            assert(not ok and type(err) == 'table')
        end
        assert(base64.encode('man') == 'bWFu')
    ";
    run(&lua(), script).unwrap();
}

#[test]
fn nothing_is_left_of_a_text_that_cannot_be_decoded() {
    // The text decodes to 3,000 bytes and then fails. This test never holds these bytes itself.
    let group = "c0Vj";
    let needle: Vec<_> = b"sEc".iter().cycle().take(120).map(|byte| byte ^ 0x80).collect();
    let script = format!(
        "local d = base64.makedecoder()
        d[122] = nil
        return pcall(base64.decode, ('{group}'):rep(999) .. 'zzzz', d)"
    );
    let lua = lua();
    run(&lua, "collectgarbage('stop')").unwrap();
    let outcome = run(&lua, &script).unwrap();
    assert_eq!(outcome[0].as_boolean(), Some(false));
    assert!(!memory_holds(&needle));
}

/// Whether this process's memory contains bytes that differ from `needle` in their highest bits
/// only.
fn memory_holds(needle: &[u8]) -> bool {
    use std::fs::File;
    use std::io::Read;
    use std::os::unix::fs::FileExt;

    // This is so large that malloc maps new memory for it. Memory that was freed before is not
    // reused.
    const LARGE: usize = 64 << 20;
    let mut maps = String::with_capacity(LARGE);
    File::open("/proc/self/maps").unwrap().read_to_string(&mut maps).unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut bytes = Vec::with_capacity(LARGE);
    maps.lines().filter(|line| line.contains(" rw-p ")).any(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        bytes.resize((end - start) as usize, 0);
        if memory.read_exact_at(&mut bytes, start).is_err() {
            return false;
        }
        for byte in bytes.iter_mut() {
            *byte ^= 0x80;
        }
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[test]
fn base64_lua_loads_the_library_from_its_own_folder() {
    // SAFETY: only our own script runs in it, and that loads no library.
    let lua = unsafe { Lua::unsafe_new() };
    let loadlib = "package.loadlib = function(...)
        local path, name = ...
        return path ~= '/none/httpbasic.so' and function() return path .. ' ' .. name end,
            'no such file'
    end";
    lua.load(loadlib).exec().unwrap();
    let load = |name: &str| {
        let file: Function =
            lua.load(include_str!("../../lua/base64.lua")).set_name(name).into_function().unwrap();
        file.call::<String>("base64")
    };
    for (name, path) in [
        ("@/etc/dovecot/lua/base64.lua", "/etc/dovecot/lua/httpbasic.so"),
        ("@./base64.lua", "./httpbasic.so"),
        ("@base64.lua", "./httpbasic.so"),
    ] {
        assert_eq!(load(name).unwrap(), format!("{path} luaopen_httpbasic_base64"));
    }
    assert!(load("@/none/base64.lua").unwrap_err().to_string().contains("no such file"));
}
