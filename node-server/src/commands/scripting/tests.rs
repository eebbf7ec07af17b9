//! Scripts and functions on a node in memory.

use crate::executor::in_memory::{Client, logged, node};

fn client() -> Client {
    Client::new(&node())
}

fn eval(client: &mut Client, script: &str) -> String {
    client.ask_words(&["EVAL", script, "0"])
}

#[test]
fn scripts_get_keys_and_arguments_and_answer_with_what_they_return() {
    let mut client = client();
    let script =
        "return {KEYS[1], ARGV[1], #ARGV, 3.99, true, false, {ok = 'fine'}, {err = 'ERR no'}, nil, 1}";
    assert_eq!(
        client.ask_words(&["EVAL", script, "1", "k", "a", "b"]),
        "*8 $1 k $1 a :2 :3 :1 $-1 +fine -ERR no"
    );
    assert_eq!(eval(&mut client, "return {double = 1.5}"), "$3 1.5");
    client.ask("HELLO 3");
    assert_eq!(eval(&mut client, "return {double = 1.5}"), ",1.5");
    assert_eq!(eval(&mut client, "return {map = {a = 1}}"), "%1 $1 a :1");
    assert_eq!(eval(&mut client, "return {set = {a = true}}"), "~1 $1 a");
    assert_eq!(eval(&mut client, "return {big_number = '12'}"), "(12");
    assert_eq!(eval(&mut client, "return {verbatim_string = {format = 'txt', string = 'x'}}"), "=5 txt:x");
    assert_eq!(eval(&mut client, "return true"), ":1");
    assert_eq!(eval(&mut client, "redis.setresp(3) return true"), "#t");
    assert_eq!(eval(&mut client, "return nil"), "_");
}

#[test]
fn numbers_of_keys_are_checked() {
    let mut client = client();
    for (line, error) in [
        ("EVAL x a", "-ERR value is not an integer or out of range"),
        ("EVAL x 2 a", "-ERR Number of keys can't be greater than number of args"),
        ("EVAL x -1 a", "-ERR Number of keys can't be negative"),
        ("EVALSHA abc 0", "-NOSCRIPT No matching script. Please use EVAL."),
        (
            "EVALSHA_RO ffffffffffffffffffffffffffffffffffffffff 0",
            "-NOSCRIPT No matching script. Please use EVAL.",
        ),
        ("FCALL f 0", "-ERR Function not found"),
    ] {
        assert_eq!(client.ask(line), error, "{line}");
    }
}

#[test]
fn errors_say_where_they_were_raised() {
    let mut client = client();
    let at = |line: u32, text: &str, script: &str| {
        let name = crate::scripting::digest::hex(&crate::scripting::digest::of(script.as_bytes()));
        format!("-{text} script: {name}, on @user_script:{line}.")
    };
    for (line, script, text) in [
        (1, "return redis.call('nosuch')", "ERR Unknown Redis command called from script"),
        (2, "\nredis.call('GET')", "ERR Wrong number of args calling Redis command from script"),
        (1, "return redis.call('SUBSCRIBE', 'c')", "ERR This Redis command is not allowed from script"),
        (1, "error('x')", "ERR user_script:1: x"),
        (1, "error({err = 'My error'})", "My error"),
        (
            1,
            "return nothing",
            "ERR user_script:1: Script attempted to access nonexistent global variable 'nothing'",
        ),
        (1, "redis.call()", "ERR Please specify at least one argument for this redis lib call"),
        (1, "redis.call('GET', {})", "ERR Lua redis lib command arguments must be strings or integers"),
        (1, "redis.sha1hex()", "ERR wrong number of arguments"),
    ] {
        assert_eq!(eval(&mut client, script), at(line, text, script), "{script}");
    }
    assert_eq!(
        eval(&mut client, "return 1 +"),
        "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'"
    );
    client.ask("SET k text");
    assert_eq!(
        eval(&mut client, "return redis.pcall('INCR', 'k')"),
        "-ERR value is not an integer or out of range"
    );
    assert_eq!(
        eval(&mut client, "return {{err = 'MY own '}, 1}"),
        "*2 -MY own  :1",
        "its spaces are its own"
    );
    let text = "return select(2, pcall(redis.call, 'INCR', 'k'))";
    assert_eq!(eval(&mut client, text), "$43 ERR value is not an integer or out of range");
}

#[test]
fn a_list_with_holes_is_as_long_as_redis_has_it() {
    let mut client = client();
    client.ask("MSET a 1 b 2");
    for (keys, length) in [
        ("'x', 'x', 'a'", 0),
        ("'a', 'x', 'x', 'b'", 1),
        ("'a', 'x', 'b'", 1),
        ("'a', 'b', 'x'", 2),
        ("'x', 'a', 'x', 'x', 'x', 'b'", 0),
    ] {
        let script = format!("redis.setresp(3) return #redis.call('MGET', {keys})");
        assert_eq!(eval(&mut client, &script), format!(":{length}"), "{keys}");
    }
}

#[test]
fn there_may_be_more_scripts_than_lua_has_places_for() {
    let mut client = client();
    for number in 0..9000 {
        assert_eq!(eval(&mut client, &format!("return {number}")), format!(":{number}"));
    }
    let first = crate::scripting::digest::hex(&crate::scripting::digest::of(b"return 0"));
    assert_eq!(client.ask(&format!("EVALSHA {first} 0")), ":0");
}

#[test]
fn what_a_script_wrote_is_one_transaction_in_the_log() {
    let mut client = client();
    eval(&mut client, "return redis.call('GET', 'k')");
    eval(&mut client, "redis.call('SET', 'one', 1)");
    eval(&mut client, "redis.call('SET', 'a', 1) redis.call('SPOP', 'none') redis.call('INCR', 'a')");
    eval(&mut client, "redis.set_repl(redis.REPL_NONE) redis.call('SET', 'hidden', 1)");
    eval(&mut client, "redis.call('SET', 'kept', 1) error('x')");
    assert_eq!(logged(&client.node, 0), ["SET one 1", "MULTI", "SET a 1", "INCR a", "EXEC", "SET kept 1"]);
    assert_eq!(client.ask("GET hidden"), "$1 1");
}

#[test]
fn nothing_that_scripts_see_can_be_changed() {
    let mut client = client();
    for script in [
        "x = 1",
        "_G.x = 1",
        "rawset(_G, 'x', 1)",
        "setmetatable(_G, {})",
        "getmetatable(_G).__index = {}",
        "redis.call = nil",
        "rawset(redis, 'call', nil)",
        "string.format = nil",
        "table.insert(string, 1)",
        "table.remove(redis)",
        "table.sort(math)",
        "getmetatable('').__index = {}",
        "setfenv(0, {})",
        "setfenv(pairs, {})",
        "cjson.encode = nil",
        "_G = {}",
    ] {
        let error = eval(&mut client, &format!("{script} return 'done'"));
        let refused = ["readonly table", "cannot change environment", "number expected"];
        assert!(refused.iter().any(|text| error.contains(text)), "{script}: {error}");
    }
    for name in ["print", "dofile", "loadfile", "require", "os", "io", "debug", "package", "newproxy"] {
        assert!(eval(&mut client, &format!("return {name}")).contains("nonexistent global"), "{name}");
    }
    assert_eq!(eval(&mut client, "return (next(_G)) ~= nil and rawget(_G, 'redis') ~= nil"), ":1");
    assert_eq!(eval(&mut client, "local n = 0 for _ in pairs(redis) do n = n + 1 end return n > 10"), ":1");
    assert!(
        eval(&mut client, "return loadstring(string.dump(function() end))()")
            .contains("attempt to call a nil value")
    );
    let pieces = "local code, given = string.dump(function() end), false
                  return load(function() if not given then given = true return code end end)()";
    assert!(eval(&mut client, pieces).contains("attempt to call a nil value"));
}

#[test]
fn hostile_scripts_fail_alone() {
    let mut client = client();
    for script in [
        "local function f() return 1 + f() end return f()",
        "return unpack({}, -2147483648, 2147483647)",
        "return unpack({}, 1, 1e8)",
        "error()",
        "error(nil)",
        "error({})",
        "error(redis)",
        "return setmetatable({}, {__index = function() error('x') end})[1]",
        "local t = {} t[1] = t return cjson.encode(t)",
        "return cjson.decode(('['):rep(1e5))",
        "return cmsgpack.unpack(('\\145'):rep(1e5))",
        "return coroutine.wrap(function() error('x') end)()",
        "xpcall(function() error('x') end, function() error('y') end) error('z')",
        "return redis.call(unpack({'SET', 'k', {}}))",
    ] {
        let error = eval(&mut client, script);
        assert!(error.starts_with('-'), "{script}: {}", &error[..error.len().min(100)]);
        assert_eq!(eval(&mut client, "return 'well'"), "$4 well", "{script}");
    }
    let nested = eval(&mut client, "local a = {} a[1] = a return a");
    assert!(nested.starts_with("*1 *1 ") && nested.ends_with("-ERR reached lua stack limit"));
}

#[test]
fn what_is_no_reply_of_a_kind_is_an_array() {
    let mut client = client();
    client.ask("HELLO 3");
    for (value, reply) in [
        ("{map = {[1] = {}, [2] = {ok = 'a\\nb'}}}", "%2 :1 *0 :2 +a b"),
        ("{map = 1, 7}", "*1 :7"),
        ("{err = 1, 'x'}", "*1 $1 x"),
        ("{verbatim_string = {format = 'x', string = 'y'}}", "=5 x  :y"),
        ("{verbatim_string = {format = 'x', string = 1}, 5}", "*1 :5"),
        ("{verbatim_string = {string = 'x'}, set = {}}", "~0"),
        ("{double = '1', false}", "*1 _"),
        ("{big_number = '1\\r\\n2'}", "(1  2"),
        ("{{err = 'E one'}, {{{}}}, 'x\\0y'}", "*3 -E one *1 *1 *0 $3 x\0y"),
        ("1e300", ":-9223372036854775808"),
        ("-1.9", ":-1"),
        ("function() end", "_"),
    ] {
        assert_eq!(eval(&mut client, &format!("return {value}")), reply, "{value}");
    }
}

#[test]
fn the_reply_of_a_command_is_what_it_was() {
    let mut client = client();
    client.ask("RPUSH l a b");
    let script = "local first = redis.call('LRANGE', 'l', 0, -1)
                  local ok, second = redis.call('SET', 'k', 1), redis.pcall('INCR', 'l')
                  return {first, ok, second, redis.call('EXISTS', 'k')}";
    let expected =
        "*4 *2 $1 a $1 b +OK -WRONGTYPE Operation against a key holding the wrong kind of value :1";
    assert_eq!(eval(&mut client, script), expected);
    // Nothing of what the commands wrote is left before an error, in a transaction either.
    client.ask("MULTI");
    client.ask_words(&["EVAL", "redis.call('LRANGE', 'l', 0, -1) error({err = 'E x'})", "0"]);
    client.ask_words(&["EVAL", "redis.call('LRANGE', 'l', 0, -1)", "0"]);
    let replies = client.ask("EXEC");
    assert!(replies.starts_with("*2 -E x script: ") && replies.ends_with(":1. $-1"), "{replies}");
}

#[test]
fn a_script_that_fails_is_counted_as_its_command_is_but_once_as_an_error() {
    let mut client = client();
    client.ask("SET k text");
    let script = "return redis.call('INCR', KEYS[1])";
    client.ask_words(&["EVAL", script, "1", "k"]);
    client.ask("MULTI");
    client.ask_words(&["EVAL", script, "1", "k"]);
    client.ask("EXEC");
    client.ask_words(&["EVAL", "return redis.pcall('INCR', KEYS[1]).err", "1", "k"]);
    let stats = client.ask("INFO commandstats");
    let of = |name: &str| {
        let line = stats.split(' ').find(|line| line.starts_with(&format!("cmdstat_{name}:"))).unwrap();
        line.split(',').filter(|part| !part.starts_with("usec")).collect::<Vec<_>>().join(",")
    };
    assert_eq!(of("eval"), "cmdstat_eval:calls=3,rejected_calls=0,failed_calls=2");
    assert_eq!(of("incr"), "cmdstat_incr:calls=3,rejected_calls=0,failed_calls=3");
    assert!(client.ask("INFO stats").contains("total_error_replies:3 "));
}

#[test]
fn read_only_scripts_do_not_write() {
    let mut client = client();
    let refusal = "Write commands are not allowed from read-only scripts.";
    assert!(
        client.ask_words(&["EVAL_RO", "return redis.call('SET', KEYS[1], 1)", "1", "k"]).contains(refusal)
    );
    assert_eq!(client.ask_words(&["EVAL_RO", "return redis.call('GET', KEYS[1])", "1", "k"]), "$-1");
    let flagged = "#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], 1)";
    assert!(client.ask_words(&["EVAL", flagged, "1", "k"]).contains(refusal));
    assert_eq!(
        client.ask_words(&["EVAL_RO", "#!lua\nreturn 1", "0"]),
        "-ERR Can not execute a script with write flag using *_ro command."
    );
}

#[test]
fn the_cache_of_scripts() {
    let mut client = client();
    let digest = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    assert_eq!(client.ask_words(&["SCRIPT", "LOAD", "return 1"]), format!("$40 {digest}"));
    assert_eq!(client.ask(&format!("SCRIPT EXISTS {digest} x")), "*2 :1 :0");
    assert_eq!(client.ask(&format!("EVALSHA {} 0", digest.to_uppercase())), ":1");
    assert_eq!(client.ask("SCRIPT FLUSH ASYNC"), "+OK");
    assert!(client.ask(&format!("EVALSHA {digest} 0")).starts_with("-NOSCRIPT"));
    // What is compiled takes the places of what is gone.
    for round in 0..3 {
        for number in 0..4 {
            assert_eq!(
                eval(&mut client, &format!("return {}", round + number)),
                format!(":{}", round + number)
            );
        }
        client.ask("SCRIPT FLUSH");
    }
    assert_eq!(client.ask("SCRIPT FLUSH x"), "-ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    assert_eq!(client.ask("SCRIPT KILL"), "-NOTBUSY No scripts in execution right now.");
    assert_eq!(client.ask("SCRIPT DEBUG NO"), "+OK");
    assert_eq!(client.ask("SCRIPT DEBUG MAYBE"), "-ERR Use SCRIPT DEBUG YES/SYNC/NO");
    assert!(client.ask("SCRIPT HELP").starts_with("*1"));
}

/// What comes then needs a connection: see the tests with real processes.
#[test]
fn a_client_that_debugs_gives_scripts_as_text_and_outside_of_transactions() {
    let node = node();
    let (mut client, mut other) = (Client::new(&node), Client::new(&node));
    for mode in ["YES", "sync"] {
        assert_eq!(client.ask(&format!("SCRIPT DEBUG {mode}")), "+OK");
        let refused = "-ERR Please use EVAL instead of EVALSHA for debugging";
        assert_eq!(client.ask(&format!("EVALSHA {} 0", "a".repeat(40))), refused);
        assert_eq!(client.ask("MULTI"), "+OK");
        assert_eq!(client.ask_words(&["EVAL", "return 1", "0"]), "+QUEUED");
        assert_eq!(client.ask("EXEC"), "*1 -ERR A script is not debugged inside a transaction");
        assert_eq!(eval(&mut other, "return {redis.breakpoint(), redis.debug(1)}"), "*1 $-1");
    }
    assert_eq!(client.ask("SCRIPT DEBUG no"), "+OK");
    assert_eq!(eval(&mut client, "return 1"), ":1");
}

const LIBRARY: &str = "#!lua name=lib
local calls = 0
redis.register_function('get', function(keys) calls = calls + 1 return redis.call('GET', keys[1]) end)
redis.register_function{function_name = 'read', callback = function(keys, args) return {#keys, #args} end,
  flags = {'no-writes'}, description = 'tells'}";

#[test]
fn functions_are_loaded_called_listed_and_deleted() {
    let mut client = client();
    assert_eq!(client.ask_words(&["FUNCTION", "LOAD", LIBRARY]), "$3 lib");
    assert_eq!(client.ask_words(&["FUNCTION", "LOAD", LIBRARY]), "-ERR Library 'lib' already exists");
    assert_eq!(client.ask_words(&["FUNCTION", "LOAD", "REPLACE", LIBRARY]), "$3 lib");
    client.ask("SET k v");
    assert_eq!(client.ask("FCALL get 1 k"), "$1 v");
    assert_eq!(client.ask("FCALL GET 1 k"), "$1 v");
    assert_eq!(client.ask("FCALL_RO read 1 k a b"), "*2 :1 :2");
    assert_eq!(
        client.ask("FCALL_RO get 1 k"),
        "-ERR Can not execute a script with write flag using *_ro command."
    );
    let listed = "*1 *6 $12 library_name $3 lib $6 engine $3 LUA $9 functions *2 \
                  *6 $4 name $3 get $11 description $-1 $5 flags *0 \
                  *6 $4 name $4 read $11 description $5 tells $5 flags *1 +no-writes";
    assert_eq!(client.ask("FUNCTION LIST LIBRARYNAME li*"), listed);
    assert_eq!(client.ask("FUNCTION LIST LIBRARYNAME x*"), "*0");
    assert!(client.ask("FUNCTION STATS").ends_with("$15 libraries_count :1 $15 functions_count :2"));
    assert_eq!(client.ask("FUNCTION DELETE lib"), "+OK");
    assert_eq!(client.ask("FUNCTION DELETE lib"), "-ERR Library not found");
    assert_eq!(client.ask("FCALL get 1 k"), "-ERR Function not found");
    assert_eq!(client.ask("FUNCTION KILL"), "-NOTBUSY No scripts in execution right now.");
    let wrong = "-ERR unknown subcommand or wrong number of arguments for 'flush'. Try FUNCTION HELP.";
    assert_eq!(client.ask("FUNCTION FLUSH SYNC x"), wrong);
    assert_eq!(client.ask("FUNCTION FLUSH"), "+OK");
    assert!(client.ask("FUNCTION HELP").starts_with("*1"));
    let names: Vec<String> = logged(&client.node, 0)
        .iter()
        .map(|command| command.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(names, ["FUNCTION LOAD", "FUNCTION LOAD", "SET k", "FUNCTION DELETE", "FUNCTION FLUSH"]);
}

#[test]
fn what_a_library_keeps_is_the_same_for_all_clients() {
    let mut client = client();
    let counter = "#!lua name=counter
        local calls = 0
        redis.register_function('count', function() calls = calls + 1 return calls end)";
    client.ask_words(&["FUNCTION", "LOAD", counter]);
    for expected in 1..=3 {
        let node = client.node.clone();
        let answer = std::thread::spawn(move || Client::new(&node).ask("FCALL count 0")).join();
        assert_eq!(answer.unwrap(), format!(":{expected}"));
    }
    // Scripts have a Lua of their own, which goes when they are forgotten.
    let bytes = |client: &mut Client, field: &str| {
        let info = client.ask("INFO memory");
        let field = format!("used_memory_vm_{field}:");
        info.split(' ').find_map(|line| line.strip_prefix(&field)?.parse::<u64>().ok()).unwrap()
    };
    let of_functions = bytes(&mut client, "functions");
    assert!(of_functions > 0 && bytes(&mut client, "eval") == 0);
    assert_eq!(eval(&mut client, "return 1"), ":1");
    assert!(bytes(&mut client, "eval") > 0);
    client.ask("SCRIPT FLUSH");
    assert_eq!((bytes(&mut client, "eval"), bytes(&mut client, "functions")), (0, of_functions));
    assert_eq!(client.ask("FCALL count 0"), ":4");
}

#[test]
fn scripts_may_be_let_call_everything() {
    let mut client = client();
    let script = "return redis.call('CLIENT', 'NO-EVICT', 'OFF')";
    assert!(eval(&mut client, script).contains("not allowed from script"));
    assert_eq!(client.ask("DEBUG SET-DISABLE-DENY-SCRIPTS 1"), "+OK");
    assert_eq!(eval(&mut client, script), "+OK");
    assert_eq!(eval(&mut client, "return redis.call('EVAL', 'return {ARGV[1]}', 0, 7)"), "*1 $1 7");
    assert_eq!(client.ask("DEBUG SET-DISABLE-DENY-SCRIPTS 0"), "+OK");
    assert!(eval(&mut client, script).contains("not allowed from script"));
}

#[test]
fn libraries_that_are_wrong_are_refused() {
    let mut client = client();
    for (code, error) in [
        ("return 1", "-ERR Missing library metadata"),
        ("#!lua name=l\nreturn 1", "-ERR No functions registered"),
        (
            "#!lua name=l\nreturn 1 +",
            "-ERR Error compiling function: user_function:2: unexpected symbol near '<eof>'",
        ),
        (
            "#!lua name=l\nerror('x')",
            "-ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'error'",
        ),
        (
            "#!lua name=l\nredis.call('PING')",
            "-ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call'",
        ),
        (
            "#!lua name=l\nredis.register_function('f')",
            "-ERR Error registering functions: ERR calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
        ),
        ("#!lua name=l\nwhile true do end", "-ERR Error registering functions: ERR FUNCTION LOAD timeout"),
    ] {
        assert_eq!(client.ask_words(&["FUNCTION", "LOAD", code]), error, "{code}");
    }
    assert_eq!(eval(&mut client, "return redis.register_function == nil"), ":1");
}

#[test]
fn libraries_go_over_as_a_payload() {
    let mut from = client();
    from.ask_words(&["FUNCTION", "LOAD", LIBRARY]);
    let dump = from.request(&["FUNCTION", "DUMP"]).unwrap();
    let start = dump.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let payload = &dump[start..dump.len() - 2];
    let mut to = client();
    let restore = |to: &mut Client, rest: &[&[u8]]| {
        let words: Vec<&[u8]> =
            [b"FUNCTION".as_slice(), b"RESTORE", payload].iter().chain(rest).copied().collect();
        String::from_utf8(to.request(&words).unwrap()).unwrap()
    };
    assert_eq!(restore(&mut to, &[]), "+OK\r\n");
    assert_eq!(restore(&mut to, &[b"APPEND"]), "-ERR Library lib already exists\r\n");
    assert_eq!(restore(&mut to, &[b"REPLACE"]), "+OK\r\n");
    assert_eq!(restore(&mut to, &[b"FLUSH"]), "+OK\r\n");
    assert!(restore(&mut to, &[b"x"]).starts_with("-ERR Wrong restore policy given"));
    // A refused payload leaves what is there, although it has a library of the same name.
    to.ask("FUNCTION FLUSH");
    let own = "#!lua name=lib\nredis.register_function('own', function() return 'mine' end)";
    let other = "#!lua name=other\nredis.register_function('read', function() return 'other' end)";
    to.ask_words(&["FUNCTION", "LOAD", own]);
    to.ask_words(&["FUNCTION", "LOAD", other]);
    assert_eq!(restore(&mut to, &[b"REPLACE"]), "-ERR Function read already exists\r\n");
    assert_eq!(to.ask("FCALL own 0"), "$4 mine");
    assert_eq!(to.ask("FCALL read 0"), "$5 other");
    assert_eq!(restore(&mut to, &[b"FLUSH"]), "+OK\r\n");
    assert_eq!(to.ask("FUNCTION RESTORE x"), "-ERR DUMP payload version or checksum are wrong");
    assert_eq!(to.ask("FCALL_RO read 0"), "*2 :0 :0");
}
