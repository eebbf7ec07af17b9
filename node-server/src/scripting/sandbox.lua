-- Makes of a fresh Lua the one that scripts see: what they may use, none of it changeable.
--
--   scripts ──▶ _G, an empty table ──▶ the real globals ──▶ redis, string, …: empty tables ──▶ the real ones
--                        └── a write there is an error; so is reading a global that does not exist
--
-- Whatever of Lua's own library would reach behind an empty table, or write into it, stands under a guard (glue.rs).

local natives = ...

local getinfo, getmetatable, setmetatable, rawget, rawset = debug.getinfo, getmetatable, setmetatable, rawget, rawset
local type, tostring, error, next, setfenv, xpcall = type, tostring, error, next, setfenv, xpcall
local ipairs, load, loadstring, byte = ipairs, load, loadstring, string.byte
local globals = getfenv(0)

-- The empty tables, each with the real one that stands behind it; and functions of this file, with themselves.
local protected = natives.protected

local function refuse(_, _)
    error("Attempt to modify a readonly table", 2)
end

-- What scripts get to see in a metatable's place.
local function shown(index)
    local facade = setmetatable({}, { __index = index, __newindex = refuse, __metatable = false })
    protected[facade] = index
    return facade
end

local function protect(real, metatable)
    local facade = setmetatable({}, { __index = real, __newindex = refuse, __metatable = metatable or false })
    protected[facade] = real
    return facade
end

local function missing(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

-- What an error becomes on its way out: a table with its text, and where in the script it was.
local function describe(err)
    local level, place = 2, nil
    repeat
        place = getinfo(level, "Sl")
        level = level + 1
    until not place or place.what ~= "C" and place.source ~= "=sandbox"
    if type(err) ~= "table" then
        err = { err = "ERR " .. tostring(err) }
    elseif protected[err] then
        err = { err = "ERR unknown error" }
    end
    if place then
        rawset(err, "source", place.source)
        rawset(err, "line", place.currentline)
    end
    return err
end

for _, name in ipairs({ "debug", "print", "dofile", "loadfile", "newproxy", "module", "require", "package", "io", "os" }) do
    globals[name] = nil
end

globals.pcall, globals.xpcall = natives.pcall, natives.xpcall
globals.rawset, globals.setmetatable = natives.rawset, natives.setmetatable
globals.setfenv, globals.unpack = natives.setfenv, natives.unpack
globals.next, globals.pairs, globals.rawget = natives.next, natives.pairs, natives.rawget
for name, replacement in next, natives.table do
    globals.table[name] = replacement
end
for name, replacement in next, natives.math do
    globals.math[name] = replacement
end
globals.__redis__err__handler = describe

-- Compiled code is not checked by Lua, so it could do anything: what begins like it is read as text, which it is not.
local function as_text(piece)
    if type(piece) == "string" and byte(piece, 1) == 27 then
        return " " .. piece
    end
    return piece
end

function globals.loadstring(text, ...)
    return loadstring(as_text(text), ...)
end

function globals.load(reader, ...)
    if type(reader) ~= "function" then
        return load(reader, ...)
    end
    return load(function() return as_text(reader()) end, ...)
end

for name, real in next, natives.libraries do
    globals[name] = real
end
for name, real in next, globals do
    if type(real) == "table" and real ~= globals then
        globals[name] = protect(real)
    end
end

-- Scripts have KEYS and ARGV as globals; functions have not, and while their library is loaded they see nothing but another
-- redis, without commands.
local function_globals = {}
for name, value in next, globals do
    function_globals[name] = value
end
local loading_globals = { redis = protect(setmetatable(natives.loading_redis, { __index = missing })) }

local facade = protect(globals, shown({ __index = missing }))
local of_functions = { __index = function_globals, __newindex = refuse, __metatable = shown({ __index = missing }) }
local function_facade = setmetatable({}, of_functions)
protected[function_facade] = function_globals
globals._G, function_globals._G = facade, function_facade
for _, real in next, { globals, function_globals, loading_globals } do
    setmetatable(real, { __index = missing })
end

-- Runs the code of a library, while functions see the globals for that.
local function load_library(code)
    of_functions.__index = loading_globals
    local is_good, err = xpcall(code, function(err) return err end)
    of_functions.__index = function_globals
    return is_good, err
end

-- Strings have one metatable, which all scripts share.
local of_strings = getmetatable("")
of_strings.__metatable = shown({ __index = globals.string })

for _, own in next, { globals.loadstring, globals.load, as_text, refuse, missing, describe, load_library } do
    protected[own] = own
    setfenv(own, facade)
end
setfenv(0, facade)
setfenv(1, facade)

return describe, load_library, globals, facade, function_facade
