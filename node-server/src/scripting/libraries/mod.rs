//! The libraries that scripts find beside Lua's own, each with the behaviour of the C library that Redis ships.

mod bits;
mod json;
mod message_pack;
mod packing;
pub mod random;

use mlua::{Lua, Result, Table};

/// By the names under which scripts see them.
pub fn all(lua: &Lua) -> Result<[(&'static str, Table); 4]> {
    Ok([
        ("bit", bits::library(lua)?),
        ("cjson", json::library(lua)?),
        ("cmsgpack", message_pack::library(lua)?),
        ("struct", packing::library(lua)?),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an expression gives, as text; an error's text where it is one.
    pub fn eval_with(library: fn(&Lua) -> Result<Table>, name: &str, code: &str) -> String {
        let lua = Lua::new();
        lua.globals().set(name, library(&lua).unwrap()).unwrap();
        let code = format!("local ok, value = pcall(function() return ({code}) end) return tostring(value)");
        lua.load(code).set_name("@test").eval().unwrap()
    }
}
