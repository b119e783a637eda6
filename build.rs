//! Sets link arguments of the cdylib and rejects impossible sets of features with a readable error.

use std::env;

const LUAS: [&str; 5] = ["LUA54", "LUA53", "LUA52", "LUA51", "LUAJIT"];

fn enabled(feature: &str) -> bool {
    env::var_os(format!("CARGO_FEATURE_{feature}")).is_some()
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");

    let luas = LUAS.iter().filter(|lua| enabled(lua)).count();
    let hint = "add --no-default-features and choose again";
    if luas > 1 {
        println!("cargo::error=choose one of lua54, lua53, lua52, lua51 and luajit; {hint}");
    }
    match (enabled("MODULE"), enabled("VENDORED")) {
        (true, true) => {
            println!("cargo::error=choose module (for Dovecot) or vendored (for tests); {hint}")
        }
        (false, false) if luas > 0 => {
            println!("cargo::error=a Lua needs module (for Dovecot) or vendored (for tests)")
        }
        (true, false) | (false, true) if luas == 0 => {
            println!("cargo::error=choose one of lua54, lua53, lua52, lua51 and luajit")
        }
        _ => {}
    }

    // The library must stay mapped when the last Lua state closes, because a resolver thread may
    // still run its code.
    println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
}
