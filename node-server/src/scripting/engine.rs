//! A Lua in which scripts and functions run, with what it has compiled.
//!
//! Scripts leave nothing behind in it, since nothing that they can get at can be changed.
//!
//! - **Memory.** A script that needs more than [`MEMORY_LIMIT`] fails with an error; the rest of the process does not notice.
//! - **Time.** From time to time it is looked whether the script is to end. C functions of Lua's own library (a pattern that
//!   backtracks without end) are not interrupted.
//! - A Lua whose script was ended, or ran out of memory, is thrown away.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::ffi::c_int;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mlua::state::{GcIncParams, GcMode};
use mlua::{Function, Lua, LuaOptions, StdLib, Table, Value};
use rcl_proto::resp::Args;

use super::cache::Script;
use super::digest::{self, Digest};
use super::flags::{self, ScriptFlags};
use super::glue::{Call, Entry, Returned};
use super::loaded::{self, LoadedFunctions, Registered};
use super::run::{Run, as_current, with_current};
use super::{glue, libraries, redis_table};
use crate::command::CommandError;
use crate::node::Node;

/// Of one Lua's scripts together.
const MEMORY_LIMIT: usize = 512 << 20;
/// Garbage is collected when there is a fifth more than what is in use, and quickly: that is not dearer than what Lua does
/// by itself (twice as much, slowly), since what scripts leave is little.
const COLLECTS_AT_PERCENT: c_int = 120;
const COLLECTS_QUICKLY_PERCENT: c_int = 400;

/// What the sandbox gives.
type Made = (Function, Function, Table, Table, Table);

const SANDBOX: &str = include_str!("sandbox.lua");

pub struct Engine {
    entry: Entry,
    pub callables: Callables,
    load_library_code: Function,
    /// What scripts see as their globals, and what functions do.
    environment: Table,
    function_environment: Table,
    scripts: HashMap<Digest, Compiled, foldhash::fast::RandomState>,
    digests: HashMap<ByBody, Digest, foldhash::fast::RandomState>,
    /// Of the cache whose scripts these are.
    pub generation: u64,
    pub functions: LoadedFunctions,
    /// What INFO was told that it takes.
    pub told_bytes: usize,
    pub is_spoiled: bool,
    /// Goes last: the others are in it.
    pub lua: Lua,
}

/// What was compiled, by its place in a table of Lua's.
pub struct Callables {
    table: Table,
    last: c_int,
    free: Vec<c_int>,
}

impl Callables {
    pub fn keep(&mut self, function: Function) -> mlua::Result<c_int> {
        let place = self.free.pop().unwrap_or(self.last + 1);
        self.last = self.last.max(place);
        self.table.raw_seti(place as usize, function)?;
        Ok(place)
    }

    pub fn forget(&mut self, place: c_int) {
        // When there is no memory to forget it, the place stays taken.
        if self.table.raw_seti(place as usize, Value::Nil).is_ok() {
            self.free.push(place);
        }
    }
}

struct Compiled {
    script: Arc<Script>,
    callable: c_int,
}

/// A script, found by its text.
struct ByBody(Arc<Script>);

impl Borrow<[u8]> for ByBody {
    fn borrow(&self) -> &[u8] {
        &self.0.body
    }
}

impl Hash for ByBody {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.body.hash(state);
    }
}

impl PartialEq for ByBody {
    fn eq(&self, other: &ByBody) -> bool {
        self.0.body == other.0.body
    }
}

impl Eq for ByBody {}

/// Asked from time to time while Lua runs: whether that is to end.
pub fn is_to_end() -> bool {
    with_current(|run| run.look_around()).unwrap_or_else(loaded::is_late)
}

impl Engine {
    pub fn new(generation: u64) -> mlua::Result<Engine> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::DEBUG;
        let options = LuaOptions::new().catch_rust_panics(false);
        // SAFETY: the debug library could break Lua; it is taken away by the sandbox before any script runs.
        let lua = unsafe { Lua::unsafe_new_with(libraries, options) };
        let natives = natives(&lua)?;
        let made = lua.load(SANDBOX).set_name("=sandbox").call::<Made>(natives)?;
        let (describe, load_library_code, globals, environment, function_environment) = made;
        lua.set_memory_limit(MEMORY_LIMIT)?;
        glue::look_around_in(&lua)?;
        let params = GcIncParams::default();
        let params = params.pause(COLLECTS_AT_PERCENT).step_multiplier(COLLECTS_QUICKLY_PERCENT);
        lua.gc_set_mode(GcMode::Incremental(params));
        lua.gc_collect()?;
        let callables = Callables { table: lua.create_table()?, last: 0, free: Vec::new() };
        Ok(Engine {
            entry: Entry::new(&lua, &describe, &globals, &callables.table)?,
            callables,
            load_library_code,
            environment,
            function_environment,
            scripts: HashMap::default(),
            digests: HashMap::default(),
            generation,
            functions: LoadedFunctions::default(),
            told_bytes: 0,
            is_spoiled: false,
            lua,
        })
    }

    /// Has the script with this digest compiled. `body` is given where it may be new. Its flags.
    pub fn prepare_script(
        &mut self,
        node: &Node,
        digest: &Digest,
        body: Option<&[u8]>,
    ) -> Result<ScriptFlags, CommandError> {
        let cache = &node.scripting.cache;
        if let Some(compiled) = self.scripts.get(digest) {
            return Ok(compiled.script.flags);
        }
        let known = cache.get(digest);
        let script_body = known.as_ref().map(|script| &*script.body).or(body).ok_or(NO_SCRIPT)?;
        let (script_flags, code_start) = flags::of_script(script_body)?;
        let failed = |error| CommandError::new(format!("ERR Error compiling script (new function): {error}"));
        let code = &script_body[code_start..];
        let function = self.compile(code, "@user_script", &self.environment).map_err(failed)?;
        let callable = self.callables.keep(function).map_err(|error| failed(error.to_string()))?;
        let script = match &known {
            Some(script) => script.clone(),
            None => cache.insert(*digest, script_body, script_flags),
        };
        self.digests.insert(ByBody(script.clone()), *digest);
        self.scripts.insert(*digest, Compiled { script, callable });
        Ok(script_flags)
    }

    /// The digest of a script's text. One that was run before is known by its text, so that nothing is computed.
    pub fn digest_of(&self, body: &[u8]) -> Digest {
        self.known_digest(body).unwrap_or_else(|| digest::of(body))
    }

    pub fn known_digest(&self, body: &[u8]) -> Option<Digest> {
        self.digests.get(body).copied()
    }

    /// Text to a function; the error is Lua's.
    pub fn compile(&self, code: &[u8], name: &str, environment: &Table) -> Result<Function, String> {
        let chunk = self.lua.load(code).set_name(name).set_mode(mlua::chunk::ChunkMode::Text);
        chunk.set_environment(environment.clone()).into_function().map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message,
            other => other.to_string(),
        })
    }

    /// Runs a library's code, so that it registers its functions. Those that it had registered when it failed are lost.
    pub fn load_library(
        &mut self,
        code: &[u8],
        timeout_ms: Option<u64>,
    ) -> Result<Vec<Registered>, CommandError> {
        let function = self
            .compile(code, "@user_function", &self.function_environment)
            .map_err(|error| CommandError::new(format!("ERR Error compiling function: {error}")))?;
        let (result, registered) = loaded::collect(timeout_ms, || {
            self.entry.run_from_outside(|| self.load_library_code.call::<(bool, Value)>(function))
        });
        let is_late = glue::stop_ending();
        self.is_spoiled |= is_late || result.is_err();
        let failed = |text: String| CommandError::new(format!("ERR Error registering functions: {text}"));
        match result {
            _ if is_late => Err(failed("ERR FUNCTION LOAD timeout".to_owned())),
            Ok((true, _)) => Ok(registered),
            Ok((false, error)) => Err(failed(loaded::text_of(&error))),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Runs a script that [`prepare_script`](Self::prepare_script) has compiled, with these keys and arguments.
    pub fn run_script(
        &mut self,
        run: &mut Run<'_, '_>,
        digest: &Digest,
        keys: Args<'_>,
        arguments: Args<'_>,
    ) -> mlua::Result<Returned> {
        let Some(Compiled { callable, .. }) = self.scripts.get(digest) else {
            return Err(mlua::Error::runtime("not compiled"));
        };
        self.run(run, &Call { callable: *callable, keys, arguments, is_function: false })
    }

    /// Calls a function of a library.
    pub fn run_function(
        &mut self,
        run: &mut Run<'_, '_>,
        callable: c_int,
        keys: Args<'_>,
        arguments: Args<'_>,
    ) -> mlua::Result<Returned> {
        self.run(run, &Call { callable, keys, arguments, is_function: true })
    }

    fn run(&mut self, run: &mut Run<'_, '_>, call: &Call<'_>) -> mlua::Result<Returned> {
        let returned = as_current(run, || self.entry.run(&self.lua, call));
        self.is_spoiled |= glue::stop_ending();
        // What is no table did not go through the error handler: there was no memory for that.
        self.is_spoiled |= match &returned {
            Ok(Returned::Failure(value)) => !value.is_table(),
            Ok(Returned::Replied | Returned::Error(_)) => false,
            Err(_) => true,
        };
        run.finish(matches!(returned, Ok(Returned::Replied)));
        returned
    }

    /// The script with this digest needs all shards.
    pub fn note_wide(&self, digest: &Digest) {
        if let Some(compiled) = self.scripts.get(digest) {
            compiled.script.is_wide.store(true, Ordering::Release);
        }
    }
}

pub const NO_SCRIPT: CommandError = CommandError::fixed("NOSCRIPT No matching script. Please use EVAL.");

/// What the sandbox is made with: the functions that replace Lua's own, and the libraries.
fn natives(lua: &Lua) -> mlua::Result<Table> {
    let of = |name: &str| lua.globals().raw_get::<Function>(name);
    let table_of =
        |name: &str, function: &str| lua.globals().raw_get::<Table>(name)?.raw_get::<Function>(function);
    let protected = lua.create_table()?;
    // Facades stay as long as Lua does, so the table may hold them strongly.
    let natives = lua.create_table()?;
    natives.raw_set("pcall", glue::pcall(lua)?)?;
    natives.raw_set("xpcall", glue::xpcall(lua)?)?;
    for name in ["rawset", "setmetatable", "setfenv"] {
        natives.raw_set(name, glue::refusing(lua, &protected, of(name)?)?)?;
    }
    for name in ["next", "rawget"] {
        natives.raw_set(name, glue::seeing_through(lua, &protected, of(name)?)?)?;
    }
    natives.raw_set("pairs", glue::pairs(lua, &protected, &of("next")?)?)?;
    natives.raw_set("unpack", glue::unpack(lua)?)?;
    let table = lua.create_table()?;
    for name in ["insert", "remove", "sort"] {
        table.raw_set(name, glue::refusing(lua, &protected, table_of("table", name)?)?)?;
    }
    natives.raw_set("table", table)?;
    natives.raw_set("math", libraries::random::functions(lua)?)?;
    let redis = redis_table::redis_table(lua)?;
    let loading_redis = lua.create_table()?;
    redis_table::fill_common(lua, &loading_redis)?;
    loading_redis.raw_set("register_function", loaded::register_function(lua)?)?;
    natives.raw_set("loading_redis", loading_redis)?;
    let libraries = lua.create_table()?;
    libraries.raw_set("redis", redis)?;
    for (name, library) in libraries::all(lua)? {
        libraries.raw_set(name, library)?;
    }
    natives.raw_set("libraries", libraries)?;
    natives.raw_set("protected", protected)?;
    Ok(natives)
}
