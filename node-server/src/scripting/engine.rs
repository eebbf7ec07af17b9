//! A thread's Lua: made when the thread runs its first script, and used for all that follow.
//!
//! Scripts leave nothing behind in it, since nothing that they can get at can be changed; so each thread may have its own.
//! What is loaded into functions' own variables by FUNCTION LOAD is there once in each thread.
//!
//! - **Memory.** A script that needs more than [`MEMORY_LIMIT`] fails with an error; the rest of the process does not notice.
//! - **Time.** Every [`INSTRUCTIONS_A_LOOK`] instructions it is looked whether the script is to end. C functions of Lua's
//!   own library (a pattern that backtracks without end) are not interrupted.
//! - A Lua whose script was ended, or ran out of memory, is thrown away.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mlua::{Function, HookTriggers, Lua, LuaOptions, MultiValue, StdLib, Table, Thread, Value, VmState};

use super::cache::Script;
use super::flags;
use super::loaded::{self, LoadedFunctions, Registered};
use super::run::{Returned, Run, as_current, with_current};
use super::sha1::Digest;
use super::{glue, libraries, redis_table};
use crate::command::CommandError;
use crate::node::Node;

/// Of one thread's scripts together.
const MEMORY_LIMIT: usize = 512 << 20;
const INSTRUCTIONS_A_LOOK: u32 = 100_000;
/// Changes of a thread's memory up to this are not told to INFO.
const TOLD_BYTES: usize = 4096;

/// What the sandbox gives.
type Made = (Function, Function, Function, Table, Table, Table);

const SANDBOX: &str = include_str!("sandbox.lua");

pub struct Engine {
    pub lua: Lua,
    call_script: Function,
    call_function: Function,
    load_library_code: Function,
    globals: Table,
    /// What scripts see as their globals, and what functions do.
    environment: Table,
    function_environment: Table,
    scripts: HashMap<Digest, Compiled, foldhash::fast::RandomState>,
    /// Of the cache whose scripts these are.
    generation: u64,
    pub functions: LoadedFunctions,
    told_bytes: usize,
    is_spoiled: bool,
}

#[derive(Clone)]
struct Compiled {
    script: Arc<Script>,
    function: Function,
}

thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
    static MAIN: RefCell<Option<Thread>> = const { RefCell::new(None) };
}

/// Lends the thread's Lua to `work`.
pub fn with_engine<R>(
    node: &Node,
    work: impl FnOnce(&mut Engine) -> Result<R, CommandError>,
) -> Result<R, CommandError> {
    let engine = ENGINE.with(|engine| engine.borrow_mut().take());
    let mut engine = match engine {
        Some(engine) => engine,
        None => {
            Engine::new().map_err(|error| CommandError::new(format!("ERR Lua cannot be started: {error}")))?
        }
    };
    let result = work(&mut engine);
    engine.tell_memory(node);
    if !engine.is_spoiled {
        ENGINE.with(|place| *place.borrow_mut() = Some(engine));
    }
    result
}

/// The script that runs on this thread ends: nothing catches its errors any more, and each instruction is one.
pub fn let_it_end(lua: &Lua) -> mlua::Error {
    glue::let_nothing_be_caught(true);
    let each = HookTriggers::new().every_nth_instruction(1);
    let fail = |_: &Lua, _: &mlua::debug::Debug<'_>| Err(mlua::Error::runtime("the script is ended"));
    // In a coroutine, the one that started it is to end as well.
    let main = MAIN.with(|main| main.borrow().clone());
    let set =
        main.map_or(Ok(()), |main| main.set_hook(each, fail)).and_then(|()| lua.set_global_hook(each, fail));
    set.err().unwrap_or_else(|| mlua::Error::runtime("the script is ended"))
}

impl Engine {
    fn new() -> mlua::Result<Engine> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::DEBUG;
        let options = LuaOptions::new().catch_rust_panics(false);
        // SAFETY: the debug library could break Lua; it is taken away by the sandbox before any script runs.
        let lua = unsafe { Lua::unsafe_new_with(libraries, options) };
        let natives = natives(&lua)?;
        let made = lua.load(SANDBOX).set_name("=sandbox").call::<Made>(natives)?;
        let (call_script, call_function, load_library_code, globals, environment, function_environment) =
            made;
        lua.set_memory_limit(MEMORY_LIMIT)?;
        MAIN.with(|main| *main.borrow_mut() = Some(lua.current_thread()));
        let triggers = HookTriggers::new().every_nth_instruction(INSTRUCTIONS_A_LOOK);
        lua.set_global_hook(triggers, |lua, _| {
            with_current(|run| run.look_around(lua)).unwrap_or_else(|| loaded::look_around(lua))?;
            Ok(VmState::Continue)
        })?;
        Ok(Engine {
            lua,
            call_script,
            call_function,
            load_library_code,
            globals,
            environment,
            function_environment,
            scripts: HashMap::default(),
            generation: 0,
            functions: LoadedFunctions::default(),
            told_bytes: 0,
            is_spoiled: false,
        })
    }

    /// The script with this digest, compiled. `body` is given where it may be new.
    pub fn script(
        &mut self,
        node: &Node,
        digest: &Digest,
        body: Option<&[u8]>,
    ) -> Result<Arc<Script>, CommandError> {
        let cache = &node.scripting.cache;
        let generation = cache.generation();
        if self.generation != generation {
            self.scripts.clear();
            self.generation = generation;
        }
        if let Some(compiled) = self.scripts.get(digest) {
            return Ok(compiled.script.clone());
        }
        let known = cache.get(digest);
        let script_body = known.as_ref().map(|script| &*script.body).or(body).ok_or(NO_SCRIPT)?;
        let (script_flags, code_start) = flags::of_script(script_body)?;
        let function =
            self.compile(&script_body[code_start..], "@user_script", &self.environment).map_err(|error| {
                CommandError::new(format!("ERR Error compiling script (new function): {error}"))
            })?;
        let script = match known {
            Some(script) => script,
            None => cache.insert(*digest, script_body, script_flags),
        };
        self.scripts.insert(*digest, Compiled { script: script.clone(), function });
        Ok(script)
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
        let (result, registered) =
            loaded::collect(timeout_ms, || self.load_library_code.call::<(bool, Value)>(function));
        let is_late = glue::is_ending();
        self.is_spoiled |= is_late || result.is_err();
        glue::let_nothing_be_caught(false);
        let failed = |text: String| CommandError::new(format!("ERR Error registering functions: {text}"));
        match result {
            _ if is_late => Err(failed("ERR FUNCTION LOAD timeout".to_owned())),
            Ok((true, _)) => Ok(registered),
            Ok((false, error)) => Err(failed(loaded::text_of(&error))),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Runs a script that [`script`](Self::script) has compiled, with these keys and arguments.
    pub fn run_script<'a>(
        &mut self,
        run: &mut Run<'_, '_>,
        digest: &Digest,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        arguments: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> mlua::Result<Returned> {
        let Some(compiled) = self.scripts.get(digest) else {
            return Err(mlua::Error::runtime("not compiled"));
        };
        self.globals.raw_set("KEYS", list(&self.lua, keys)?)?;
        self.globals.raw_set("ARGV", list(&self.lua, arguments)?)?;
        let function = &compiled.function;
        let result = as_current(run, || self.call_script.call::<MultiValue>(function));
        self.after(run, result)
    }

    /// Calls a function of a library.
    pub fn run_function<'a>(
        &mut self,
        run: &mut Run<'_, '_>,
        function: &Function,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        arguments: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> mlua::Result<Returned> {
        let (keys, arguments) = (list(&self.lua, keys)?, list(&self.lua, arguments)?);
        let result = as_current(run, || self.call_function.call::<MultiValue>((function, keys, arguments)));
        self.after(run, result)
    }

    fn after(&mut self, run: &mut Run<'_, '_>, result: mlua::Result<MultiValue>) -> mlua::Result<Returned> {
        run.finish();
        if glue::is_ending() {
            glue::let_nothing_be_caught(false);
            self.is_spoiled = true;
        }
        let mut values = result.inspect_err(|_| self.is_spoiled = true)?;
        let is_good = values.pop_front() == Some(Value::Boolean(true));
        let value = values.pop_front().unwrap_or(Value::Nil);
        if is_good {
            return Ok(Returned::Value(value));
        }
        // What is no table did not go through the error handler: there was no memory for that.
        self.is_spoiled |= !value.is_table();
        Ok(Returned::Failure(value))
    }

    fn tell_memory(&mut self, node: &Node) {
        let used = if self.is_spoiled { 0 } else { self.lua.used_memory() };
        if used.abs_diff(self.told_bytes) > TOLD_BYTES {
            let change = used.wrapping_sub(self.told_bytes) as u64;
            node.scripting.lua_bytes.fetch_add(change, Ordering::Relaxed);
            self.told_bytes = used;
        }
    }
}

pub const NO_SCRIPT: CommandError = CommandError::fixed("NOSCRIPT No matching script. Please use EVAL.");

fn list<'a>(lua: &Lua, elements: impl ExactSizeIterator<Item = &'a [u8]>) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(elements.len(), 0)?;
    for (index, element) in elements.enumerate() {
        table.raw_seti(index + 1, lua.create_string(element)?)?;
    }
    Ok(table)
}

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
