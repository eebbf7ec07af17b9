//! `--cluster call`: one command to every node, of any bytes, and each node's reply in the raw form.

use rcl_proto::resp::Reply;

use super::Done;
use super::show::Picture;
use super::told::{info, say};
use crate::connect::Words;
use crate::dialect::format::{self, Delimiters, Form};

pub async fn run(picture: &Picture, words: &[Vec<u8>], only_masters: bool, only_replicas: bool) -> Done {
    let shown: Vec<String> = words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    say(&info(&format!(">>> Calling {}\n", shown.join(" "))));
    let command = words.iter().fold(Words::default(), |command, word| command.and(word));
    let wanted = |is_master: bool| if is_master { !only_replicas } else { !only_masters };
    for node in picture.nodes().filter(|node| wanted(node.is_master())) {
        let reply = match picture.cluster.link(node.id) {
            Ok(link) => link.raw(&command).await.map_err(|error| error.to_string()),
            Err(failure) => Err(failure.what),
        };
        let text = match reply {
            Ok(reply) => raw(&reply),
            Err(why) => format!("Failed! {why}"),
        };
        say(&format!("{}: {text}\n", picture.address(node)));
    }
    Ok(true)
}

fn raw(reply: &Reply) -> String {
    let mut out = Vec::new();
    let delimiters = Delimiters { element: b"\n".to_vec(), reply: Vec::new() };
    format::print(&mut out, reply, Form::Raw, &delimiters);
    String::from_utf8_lossy(&out).into_owned()
}
