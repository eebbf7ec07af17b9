//! The functions of libraries as one thread has them: Lua functions, found by name.
//!
//! FUNCTION LOAD runs a library's code, which registers functions; what it registered is the library. Other threads run the
//! code for themselves when they first need one of its functions.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mlua::{Function, Lua, MultiValue, Table, Value};

use super::engine::Engine;
use super::exposed::{self, Raised, bytes_of, expose, nothing};
use super::flags::ScriptFlags;
use super::functions::{FunctionInfo, Functions, Header, Library, is_name};
use crate::clock;
use crate::command::CommandError;

/// A thread that runs a library again does what another one has done already, so it may take longer.
const AGAIN_TIMEOUT_MS: u64 = 10_000;

/// What redis.register_function was given.
#[derive(Debug)]
pub struct Registered {
    pub info: FunctionInfo,
    pub callback: Function,
}

/// By name: where it is among what can be called.
type Callbacks = HashMap<Vec<u8>, c_int>;

/// The functions that a thread can call.
#[derive(Default)]
pub struct LoadedFunctions {
    version: u64,
    /// By their addresses: one that is created may be refused yet, while another one of its name stays.
    libraries: HashMap<usize, (Arc<Library>, Callbacks)>,
}

fn address(library: &Arc<Library>) -> usize {
    Arc::as_ptr(library).addr()
}

impl Engine {
    /// The function of this name, of these libraries: where it is among what can be called.
    pub fn function(
        &mut self,
        functions: &Functions,
        library: &Arc<Library>,
        name: &[u8],
    ) -> Result<c_int, CommandError> {
        if self.functions.version != functions.version() {
            self.forget_all_but(functions);
            self.functions.version = functions.version();
        }
        if !self.functions.libraries.contains_key(&address(library)) {
            let registered = self.load_library(library.body(), Some(AGAIN_TIMEOUT_MS))?;
            self.keep_functions(library, registered)?;
        }
        let loaded = self.functions.libraries.get(&address(library));
        loaded.and_then(|(_, loaded)| loaded.get(name)).copied().ok_or(FUNCTION_NOT_FOUND)
    }

    fn forget_all_but(&mut self, functions: &Functions) {
        let old = self.functions.libraries.extract_if(|_, (loaded, _)| {
            functions.library(&loaded.name).is_none_or(|library| !Arc::ptr_eq(library, loaded))
        });
        for (_, (_, callbacks)) in old {
            callbacks.into_values().for_each(|callable| self.callables.forget(callable));
        }
    }

    /// Runs the code of a new library, so that what it registers is known.
    pub fn create_library(
        &mut self,
        header: Header,
        code: &[u8],
        timeout_ms: Option<u64>,
    ) -> Result<Arc<Library>, CommandError> {
        let registered = self.load_library(header.body(code), timeout_ms)?;
        let infos = registered.iter().map(|function| function.info.clone()).collect();
        let library = header.library(code, infos)?;
        self.keep_functions(&library, registered)?;
        // Whether it stays is looked at when a function is called.
        self.functions.version = 0;
        Ok(library)
    }

    /// This thread has run the library's code.
    fn keep_functions(
        &mut self,
        library: &Arc<Library>,
        registered: Vec<Registered>,
    ) -> Result<(), CommandError> {
        let mut callbacks = Callbacks::new();
        for function in registered {
            let place = self.callables.keep(function.callback);
            let place = place.map_err(|error| CommandError::new(format!("ERR {error}")))?;
            callbacks.insert(function.info.name.to_vec(), place);
        }
        self.functions.libraries.insert(address(library), (library.clone(), callbacks));
        Ok(())
    }
}

pub const FUNCTION_NOT_FOUND: CommandError = CommandError::fixed("ERR Function not found");

/// The library that this thread loads.
struct Loading {
    registered: Vec<Registered>,
    began: Instant,
    timeout: Option<Duration>,
}

thread_local! {
    static LOADING: RefCell<Option<Loading>> = const { RefCell::new(None) };
}

/// What `work`, which runs a library's code, gives, and what the code registered.
pub fn collect<R>(timeout_ms: Option<u64>, work: impl FnOnce() -> R) -> (R, Vec<Registered>) {
    let timeout = timeout_ms.map(Duration::from_millis);
    let loading = Loading { registered: Vec::new(), began: clock::monotonic(), timeout };
    LOADING.with(|place| *place.borrow_mut() = Some(loading));
    let result = work();
    let loading = LOADING.with(|place| place.borrow_mut().take());
    (result, loading.map_or_else(Vec::new, |loading| loading.registered))
}

/// Called from time to time: whether loading takes too long.
pub fn is_late() -> bool {
    LOADING.with(|loading| {
        let loading = loading.borrow();
        let Some(Loading { began, timeout: Some(timeout), .. }) = &*loading else { return false };
        began.elapsed() > *timeout
    })
}

/// What is said of an error that ended a library's code.
pub fn text_of(error: &Value) -> String {
    let text = match error {
        Value::Table(table) => {
            return table.raw_get("err").ok().and_then(|err| exposed::text_of(&err)).unwrap_or_default();
        }
        Value::Error(error) => match &**error {
            mlua::Error::CallbackError { cause, .. } => cause.to_string(),
            other => other.to_string(),
        },
        other => exposed::text_of(other).unwrap_or_else(|| "unknown error".to_owned()),
    };
    format!("ERR {text}")
}

pub fn register_function(lua: &Lua) -> mlua::Result<Function> {
    expose(lua, |lua, arguments| {
        register(&arguments).map_err(|error| match error {
            Refused::Text(text) => Raised::table(lua, &CommandError::new(format!("ERR {text}"))),
            Refused::Lua(error) => Raised::Lua(error),
        })?;
        nothing()
    })
}

enum Refused {
    Text(&'static str),
    Lua(mlua::Error),
}

impl From<mlua::Error> for Refused {
    fn from(error: mlua::Error) -> Refused {
        Refused::Lua(error)
    }
}

fn register(arguments: &MultiValue) -> Result<(), Refused> {
    if LOADING.with(|loading| loading.borrow().is_none()) {
        return Err(Refused::Text("redis.register_function can only be called on FUNCTION LOAD command"));
    }
    let registered = match (arguments.len(), arguments.front()) {
        (1, Some(Value::Table(named))) => by_name(named)?,
        (1, _) => {
            return Err(Refused::Text(
                "calling redis.register_function with a single argument is only applicable to Lua table \
                 (representing named arguments).",
            ));
        }
        (2, Some(name)) => by_position(name, &arguments[1])?,
        _ => return Err(Refused::Text("wrong number of arguments to redis.register_function")),
    };
    if !is_name(&registered.info.name) {
        return Err(Refused::Text(
            "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
        ));
    }
    LOADING.with(|loading| {
        let mut loading = loading.borrow_mut();
        let Some(loading) = loading.as_mut() else { return Ok(()) };
        if loading.registered.iter().any(|other| other.info.name == registered.info.name) {
            return Err(Refused::Text("Function already exists in the library"));
        }
        loading.registered.push(registered);
        Ok(())
    })
}

fn by_position(name: &Value, callback: &Value) -> Result<Registered, Refused> {
    let name =
        bytes_of(name).ok_or(Refused::Text("first argument to redis.register_function must be a string"))?;
    let Value::Function(callback) = callback else {
        return Err(Refused::Text("second argument to redis.register_function must be a function"));
    };
    let info = FunctionInfo { name: name.into(), description: None, flags: ScriptFlags::default() };
    Ok(Registered { info, callback: callback.clone() })
}

fn by_name(named: &Table) -> Result<Registered, Refused> {
    let (mut name, mut description, mut callback, mut flags) = (None, None, None, ScriptFlags::default());
    for pair in named.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let key = bytes_of(&key)
            .ok_or(Refused::Text("named argument key given to redis.register_function is not a string"))?;
        match &*key.to_ascii_lowercase() {
            b"function_name" => {
                name = Some(bytes_of(&value).ok_or(Refused::Text(
                    "function_name argument given to redis.register_function must be a string",
                ))?);
            }
            b"description" => {
                description = Some(bytes_of(&value).ok_or(Refused::Text(
                    "description argument given to redis.register_function must be a string",
                ))?);
            }
            b"callback" => {
                let Value::Function(function) = value else {
                    return Err(Refused::Text(
                        "callback argument given to redis.register_function must be a function",
                    ));
                };
                callback = Some(function);
            }
            b"flags" => {
                let Value::Table(listed) = value else {
                    return Err(Refused::Text(
                        "flags argument to redis.register_function must be a table representing function flags",
                    ));
                };
                flags = flags_of(&listed)?;
            }
            _ => return Err(Refused::Text("unknown argument given to redis.register_function")),
        }
    }
    let name = name.ok_or(Refused::Text("redis.register_function must get a function name argument"))?;
    let callback = callback.ok_or(Refused::Text("redis.register_function must get a callback argument"))?;
    let info = FunctionInfo { name: name.into(), description: description.map(Into::into), flags };
    Ok(Registered { info, callback })
}

fn flags_of(listed: &Table) -> Result<ScriptFlags, Refused> {
    let mut flags = ScriptFlags::default();
    for name in listed.sequence_values::<Value>() {
        let name = bytes_of(&name?).map(|name| name.to_ascii_lowercase());
        let flag =
            name.and_then(|name| ScriptFlags::named(&name)).ok_or(Refused::Text("unknown flag given"))?;
        flags = flags.with(flag);
    }
    Ok(flags)
}
