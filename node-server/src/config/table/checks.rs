//! What text directives check of their value. The error texts are Redis's.

use crate::config::title_template::expand;

pub fn dbfilename(name: &[u8]) -> Result<(), &'static str> {
    is_base_name(name).then_some(()).ok_or("dbfilename can't be a path, just a filename")
}

pub fn appendfilename(name: &[u8]) -> Result<(), &'static str> {
    match name {
        [] => Err("appendfilename can't be empty"),
        _ => is_base_name(name).then_some(()).ok_or("appendfilename can't be a path, just a filename"),
    }
}

pub fn appenddirname(name: &[u8]) -> Result<(), &'static str> {
    match name {
        [] => Err("appenddirname can't be empty"),
        _ => is_base_name(name).then_some(()).ok_or("appenddirname can't be a path, just a dirname"),
    }
}

pub fn optional_address(address: &[u8]) -> Result<(), &'static str> {
    let is_one = std::str::from_utf8(address).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok());
    (address.is_empty() || is_one).then_some(()).ok_or("it must be an IP address, or nothing")
}

pub fn hostname(name: &[u8]) -> Result<(), &'static str> {
    if name.len() >= rcl_cluster::HOSTNAME_BYTES {
        return Err("Hostnames must be less than 256 characters");
    }
    let is_one = rcl_cluster::is_hostname(name);
    is_one.then_some(()).ok_or("Hostnames may only contain alphanumeric characters, hyphens or dots")
}

pub fn human_nodename(name: &[u8]) -> Result<(), &'static str> {
    let is_one = rcl_cluster::is_human_name(name);
    is_one.then_some(()).ok_or("Announced human node name contained invalid character")
}

pub fn zone(name: &[u8]) -> Result<(), &'static str> {
    let text = "An availability zone is less than 256 printable ASCII characters, without spaces";
    rcl_cluster::is_zone(name).then_some(()).ok_or(text)
}

/// Only variables that Redis knows, and something besides the program's name.
pub fn proc_title_template(template: &[u8]) -> Result<(), &'static str> {
    let value = |name: &[u8]| match name {
        b"title" => Some(Vec::new()),
        b"listen-addr" | b"server-mode" | b"port" | b"tls-port" | b"unixsocket" | b"config-file" => {
            Some(b"x".to_vec())
        }
        _ => None,
    };
    let says_something = expand(template, value).is_some_and(|title| !title.trim_ascii().is_empty());
    says_something.then_some(()).ok_or("template format is invalid or contains unknown variables")
}

fn is_base_name(name: &[u8]) -> bool {
    !name.contains(&b'/') && !name.contains(&b'\\')
}
