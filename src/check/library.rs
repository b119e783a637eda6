//! The library beside the script: whether the Lua of this system can load it. It is read, not loaded.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use goblin::elf::Elf;
use goblin::elf::header::{EI_CLASS, ELFCLASS64, machine_to_str};

use super::advice::about_file;
use super::report::{Finding, Outcome};
use super::settings::FOLDER;
use crate::file;

const NAME: &str = "httpbasic.so";

/// The function that `require` calls.
const ENTRY: &str = "luaopen_httpbasic";

/// More than any library of this kind has.
const MAX_BYTES: u64 = 64 << 20;

/// Functions that each version of Lua was the first to have.
const LUAS: [(&str, &str); 4] = [
    ("lua_newuserdatauv", "5.4"),
    ("lua_rotate", "5.3"),
    ("lua_callk", "5.2"),
    ("lua_call", "5.1"),
];

/// Dovecot's own library for Lua, which is linked to a Lua.
const DOVECOT: [&str; 3] = [
    "/usr/lib/dovecot/libdovecot-lua.so.0",
    "/usr/lib64/dovecot/libdovecot-lua.so.0",
    "/usr/local/lib/dovecot/libdovecot-lua.so.0",
];

/// Looks at the library in the script's folder, or where Lua looks.
pub fn check(folder: Option<&Path>) -> Outcome<()> {
    let Some(path) = find(folder) else {
        let place = folder.map_or(FOLDER.into(), |folder| folder.display().to_string());
        return Err(Finding::new(format!("no {NAME} in {place}, nor where Lua looks"))
            .advise([format!("copy {NAME} into the script's folder")]));
    };
    let shown = path.display();
    let damaged = |problem: String| {
        let advice = format!("copy {NAME} again, and compare it with SHA256SUMS");
        Finding::new(problem).advise([about_file(&path, &advice)])
    };
    let bytes = file::read(&path, MAX_BYTES);
    let bytes = bytes.map_err(|problem| damaged(format!("the library {problem}")))?;
    let needs = Needs::new(&bytes);
    let needs = needs.map_err(|problem| damaged(format!("{shown} cannot be used: {problem}")))?;
    let system = System::look();
    if let Some((problem, advice)) = needs.mismatch(&system) {
        return Err(Finding::new(format!("{shown} {problem}")).advise([advice]));
    }
    let mut text = format!("{shown}, for Lua {}", needs.lua);
    if let Some(glibc) = &needs.glibc {
        text += &format!(" and glibc {glibc}");
    }
    let is_secret =
        path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o004 == 0);
    let for_root = is_secret.then(|| {
        format!(
            "not every user may read {shown}, and Dovecot's auth process is not root: chmod 644"
        )
    });
    Ok(((), Finding::new(text).warn(for_root)))
}

/// Where Lua's `require` finds it: the script looks in its own folder first.
fn find(folder: Option<&Path>) -> Option<PathBuf> {
    let multiarch = format!("/usr/lib/{}-linux-gnu/lua", std::env::consts::ARCH);
    let roots = ["/usr/local/lib/lua", &multiarch, "/usr/lib/lua", "/usr/lib64/lua"];
    let installed = roots.iter().flat_map(|root| {
        LUAS.iter().map(move |(_, version)| Path::new(root).join(version).join(NAME))
    });
    let beside = folder.map(|folder| folder.join(NAME));
    beside.into_iter().chain(installed).find(|path| path.exists())
}

/// What a library needs.
#[derive(Debug, PartialEq, Eq)]
struct Needs {
    machine: Machine,
    lua: &'static str,
    glibc: Option<Version>,
}

/// A processor: `e_machine` of ELF, and whether programs have 64 bits.
type Machine = (u16, bool);

impl Needs {
    fn new(bytes: &[u8]) -> Result<Self, String> {
        let library =
            Elf::parse(bytes).map_err(|_| "it is not a complete ELF library".to_string())?;
        let symbol = |name: &str, is_import: bool| {
            let mut symbols = library.dynsyms.iter();
            symbols.any(|it| {
                it.is_import() == is_import && library.dynstrtab.get_at(it.st_name) == Some(name)
            })
        };
        if !symbol(ENTRY, false) {
            return Err(format!("it has no function {ENTRY}"));
        }
        let lua = LUAS.iter().find(|(name, _)| symbol(name, true)).map(|(_, version)| *version);
        Ok(Self {
            machine: (library.header.e_machine, library.is_64),
            lua: lua.ok_or("it calls no function of Lua")?,
            glibc: needed_glibc(&library),
        })
    }

    /// What does not fit this system, and what to do about it.
    fn mismatch(&self, system: &System) -> Option<(String, String)> {
        if let Some(machine) = system.machine.filter(|machine| *machine != self.machine) {
            let (own, here) = (machine_to_str(self.machine.0), machine_to_str(machine.0));
            let problem = format!("is for another processor ({own}) than this one ({here})");
            return Some((problem, "take the archive for this processor".into()));
        }
        if let Some(lua) = system.lua.as_ref().filter(|lua| *lua != self.lua) {
            let problem = format!("is for Lua {}, and Dovecot has Lua {lua}", self.lua);
            return Some((problem, format!("take the archive for Lua {lua}")));
        }
        match (&self.glibc, &system.glibc) {
            (Some(needed), Some(here)) if needed > here => {
                let problem = format!("needs glibc {needed}, and this system has {here}");
                let advice =
                    "take the archive, which runs on glibc 2.34 and newer, or build it here";
                Some((problem, advice.into()))
            }
            _ => None,
        }
    }
}

/// What is known about this system.
#[derive(Debug, Default)]
struct System {
    machine: Option<Machine>,
    lua: Option<String>,
    glibc: Option<Version>,
}

impl System {
    fn look() -> Self {
        let own = std::fs::read("/proc/self/exe").ok();
        let header = own.and_then(|bytes| Elf::parse_header(&bytes).ok());
        Self {
            machine: header.map(|it| (it.e_machine, it.e_ident[EI_CLASS] == ELFCLASS64)),
            lua: DOVECOT.iter().find_map(|path| dovecots_lua(&std::fs::read(path).ok()?)),
            glibc: own_glibc(),
        }
    }
}

/// The Lua that Dovecot is linked to: 5.4 in `liblua5.4.so.0`.
fn dovecots_lua(bytes: &[u8]) -> Option<String> {
    let library = Elf::parse(bytes).ok()?;
    let version = library.libraries.iter().find_map(|name| name.strip_prefix("liblua"))?;
    let version: String =
        version.chars().skip_while(|c| *c == '-').take_while(|c| *c != 's' && *c != '-').collect();
    Some(version.trim_matches('.').into())
}

/// A version of glibc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

impl Version {
    /// Reads `GLIBC_2.34`, the name of a set of symbols.
    fn from_symbols(name: &str) -> Option<Self> {
        let (major, rest) = name.strip_prefix("GLIBC_")?.split_once('.')?;
        let minor = rest.split('.').next()?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

fn needed_glibc(library: &Elf) -> Option<Version> {
    let needed = library.verneed.iter().flat_map(|section| section.iter());
    let mut newest = None;
    for file in needed {
        let names = file.iter().filter_map(|it| library.dynstrtab.get_at(it.vna_name));
        newest = newest.max(names.filter_map(Version::from_symbols).max());
    }
    newest
}

/// The glibc of this process: the newest set of symbols in it.
fn own_glibc() -> Option<Version> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("/libc.so.6"))?;
    let bytes = std::fs::read(&line[line.find('/')?..]).ok()?;
    let library = Elf::parse(&bytes).ok()?;
    let mut newest = None;
    for set in library.verdef.iter().flat_map(|section| section.iter()) {
        let names = set.iter().filter_map(|it| library.dynstrtab.get_at(it.vda_name));
        newest = newest.max(names.filter_map(Version::from_symbols).max());
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_known() {
        let system = System::look();
        assert_eq!(system.machine.unwrap().1, cfg!(target_pointer_width = "64"));
        assert!(system.glibc.unwrap() >= Version(2, 34), "{system:?}");
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let version = |name| Version::from_symbols(name);
        assert_eq!(version("GLIBC_2.2.5"), Some(Version(2, 2)));
        assert!(version("GLIBC_2.34") > version("GLIBC_2.4"));
        for other in ["GLIBC_PRIVATE", "GCC_3.0", ""] {
            assert_eq!(version(other), None);
        }
    }

    #[test]
    fn a_library_for_another_system_is_reported() {
        let here = Machine::from((62, true));
        let needs = Needs { machine: here, lua: "5.4", glibc: Some(Version(2, 36)) };
        let mut system = System { machine: Some(here), ..System::default() };
        assert_eq!(needs.mismatch(&system), None);
        system.glibc = Some(Version(2, 34));
        assert!(needs.mismatch(&system).unwrap().0.contains("needs glibc 2.36"));
        system.lua = Some("5.3".into());
        assert!(needs.mismatch(&system).unwrap().0.contains("is for Lua 5.4"));
        system.machine = Some((183, true));
        assert!(needs.mismatch(&system).unwrap().0.contains("X86_64"));
    }

    #[test]
    fn files_that_are_not_libraries_are_refused() {
        for bytes in [&b""[..], b"#!/bin/sh", &[0x7f, b'E', b'L', b'F', 2, 1, 1, 0]] {
            assert!(Needs::new(bytes).is_err());
        }
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert!(Needs::new(&own).unwrap_err().contains(ENTRY));
    }

    /// Damages the parts that say where the others are, each time in another way.
    #[test]
    fn a_damaged_library_is_read_without_harm() {
        // The smallest one of this process.
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let paths = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
        let libraries = paths.filter(|path| path.contains(".so"));
        let own = libraries.map(|path| std::fs::read(path).unwrap()).min_by_key(Vec::len).unwrap();
        let header = Elf::parse_header(&own).unwrap();
        let tables = [0, header.e_phoff as usize, header.e_shoff as usize];
        let mut bytes = own.clone();
        let mut number = 1_u64;
        let mut random = || {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (number >> 33) as usize
        };
        for _ in 0..2000 {
            let at = tables[random() % 3] + random() % 1000;
            let value = [0, 1, 0x7f, 0x80, 0xff, random() as u8][random() % 6];
            let width = [1, 2, 4, 8][random() % 4];
            let end = (at + width).min(bytes.len());
            bytes[at..end].fill(value);
            let _ = Needs::new(&bytes);
            let _ = Needs::new(&bytes[..random() % bytes.len()]);
            bytes[at..end].copy_from_slice(&own[at..end]);
        }
    }
}
