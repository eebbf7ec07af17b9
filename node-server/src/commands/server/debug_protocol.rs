//! DEBUG PROTOCOL: a reply of each type that the protocol has, for who writes a client. The values are those of Redis, whose
//! tests look for them.

use rcl_proto::resp::Protocol;

use crate::command::{CommandError, CommandResult, Context, Outcome};

const UNKNOWN: CommandError = CommandError::fixed(
    "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
);

pub fn reply(context: &mut Context<'_>, kind: &[u8]) -> CommandResult {
    let reply = &mut context.reply;
    let is_resp3 = reply.protocol() == Protocol::Resp3;
    match kind.to_ascii_lowercase().as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.integer(12345),
        b"double" => reply.double_text("3.141"),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.integer(number);
                reply.boolean(number == 1);
            }
        }
        b"attrib" => {
            if is_resp3 {
                reply.attribute(1);
                reply.bulk(b"key-popularity");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.integer(90);
            }
            // An attribute is no reply yet.
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" if !is_resp3 => {
            return Err(CommandError::fixed("ERR RESP2 is not supported by this command"));
        }
        b"push" => {
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.integer(42);
            // Neither is a message out of band.
            reply.bulk(b"Some real reply following the push reply");
        }
        b"verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        _ => return Err(UNKNOWN),
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::{clients, converse};

    #[test]
    fn a_reply_of_each_type_in_both_versions() {
        clients!(_node: client);
        converse(
            &mut client,
            &[
                ("DEBUG PROTOCOL string", "$11 Hello World"),
                ("DEBUG PROTOCOL double", "$5 3.141"),
                ("DEBUG PROTOCOL bignum", "$37 1234567999999999999999999999999999999"),
                ("DEBUG PROTOCOL map", "*6 :0 :0 :1 :1 :2 :0"),
                ("DEBUG PROTOCOL attrib", "$39 Some real reply following the attribute"),
                ("DEBUG PROTOCOL push", "-ERR RESP2 is not supported by this command"),
            ],
        );
        client.ask("HELLO 3");
        converse(
            &mut client,
            &[
                ("DEBUG PROTOCOL integer", ":12345"),
                ("DEBUG PROTOCOL double", ",3.141"),
                ("DEBUG PROTOCOL bignum", "(1234567999999999999999999999999999999"),
                ("DEBUG PROTOCOL null", "_"),
                ("DEBUG PROTOCOL array", "*3 :0 :1 :2"),
                ("DEBUG PROTOCOL set", "~3 :0 :1 :2"),
                ("DEBUG PROTOCOL map", "%3 :0 #f :1 #t :2 #f"),
                (
                    "DEBUG PROTOCOL attrib",
                    "|1 $14 key-popularity *2 $7 key:123 :90 $39 Some real reply following the attribute",
                ),
                (
                    "DEBUG PROTOCOL push",
                    ">2 $16 server-cpu-usage :42 $40 Some real reply following the push reply",
                ),
                ("DEBUG PROTOCOL verbatim", "=29 txt:This is a verbatim\nstring"),
                ("debug protocol True", "#t"),
                ("DEBUG PROTOCOL false", "#f"),
            ],
        );
        assert!(client.ask("DEBUG PROTOCOL nosuch").starts_with("-ERR Wrong protocol type name."));
    }
}
